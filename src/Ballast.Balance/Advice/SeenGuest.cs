namespace Ballast.Balance.Advice;

/// <summary>A guest as it was seen at one moment.</summary>
public sealed record SeenGuest
{
    /// <summary>The guest.</summary>
    public required Domain Domain { get; init; }

    /// <summary>What it reported, and the host's numbers of it.</summary>
    public required MemoryStats Stats { get; init; }

    /// <summary>What the host tells of its process.</summary>
    public required ProcessMemory Process { get; init; }

    /// <summary>The largest size that its balloon may be given, in KiB; null where nobody knows.</summary>
    public ulong? MaximumKiB { get; init; }

    /// <summary>Whether its hypervisor moves it to another host, saves or dumps it, as far as that is told.</summary>
    public bool HasJob { get; init; }

    /// <summary>Whose history it continues: another run under the same name begins a new one.</summary>
    internal (Guid Uuid, int? Id) Key => (Domain.Uuid, Domain.Id);
}

/// <summary>A host and its guests as they were seen at one moment.</summary>
/// <param name="Memory">The host's memory.</param>
/// <param name="Guests">Its guests that are active.</param>
public sealed record SeenHost(HostMemory Memory, IReadOnlyList<SeenGuest> Guests);
