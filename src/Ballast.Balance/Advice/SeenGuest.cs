namespace Ballast.Balance.Advice;

/// <summary>A sample of a guest.</summary>
public sealed record SeenGuest
{
    /// <summary>The guest.</summary>
    public required Domain Domain { get; init; }

    /// <summary>Its report, and the host's numbers about it.</summary>
    public required MemoryStats Stats { get; init; }

    /// <summary>The host's numbers about its process.</summary>
    public required ProcessMemory Process { get; init; }

    /// <summary>The largest size that its balloon may be given, in KiB; null if unknown.</summary>
    public ulong? MaximumKiB { get; init; }

    /// <summary>
    /// The hard limit, in KiB, of its QEMU's own control group, where <see cref="Process"/> has none because the daemon is libvirt's; null
    /// if there is none, or it is unknown.
    /// </summary>
    public ulong? HardLimitKiB { get; init; }

    /// <summary>Whether that limit could not be read, so that there may be one.</summary>
    public bool IsHardLimitUnknown { get; init; }

    /// <summary>Whether the hypervisor is migrating, saving or dumping it; null if it was asked and did not tell.</summary>
    public bool? HasJob { get; init; } = false;

    /// <summary>Whether it was asked for a report now and gave none, though its last one is not old yet.</summary>
    public bool HasNotAnswered { get; init; }

    /// <summary>Whose history it continues: another run under the same name begins a new one.</summary>
    internal (Guid Uuid, int? Id) Key => (Domain.Uuid, Domain.Id);
}

/// <summary>A sample of a host and its guests.</summary>
/// <param name="Memory">The host's memory.</param>
/// <param name="Guests">Its active guests.</param>
public sealed record SeenHost(HostMemory Memory, IReadOnlyList<SeenGuest> Guests);
