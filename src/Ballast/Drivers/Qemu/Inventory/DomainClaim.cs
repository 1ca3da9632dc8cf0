using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>What one QEMU says about who it is, and what decides when two say the same.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Name">The name that it claims; null where it has none.</param>
/// <param name="Uuid">The UUID that it claims; null where it has none.</param>
/// <param name="DerivedUuid">The one that it gets where it has none of its own.</param>
/// <param name="IsRoot">Whether it was started by root.</param>
/// <param name="Age">When it started: the smaller, the older.</param>
internal sealed record DomainClaim(
    int Pid, Word<string>? Name, Word<Guid>? Uuid, Guid DerivedUuid, bool IsRoot, ulong Age)
{
    /// <summary>The name under which it was listed already, which it keeps; null where it was not, or only by a guess.</summary>
    public string? ListedName { get; init; }

    /// <summary>The UUID, likewise.</summary>
    public Guid? ListedUuid { get; init; }
}
