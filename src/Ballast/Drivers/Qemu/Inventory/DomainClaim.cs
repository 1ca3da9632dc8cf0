namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>What one QEMU says about who it is, and what decides when two say the same.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Name">The name that it claims; null where it has none.</param>
/// <param name="IsNameOnCommandLine">Whether its command line bears the name; else only its monitor says so.</param>
/// <param name="Uuid">The UUID that it claims; null where it has none.</param>
/// <param name="IsUuidOnCommandLine">Whether its command line bears the UUID.</param>
/// <param name="DerivedUuid">The one that it gets where it has none of its own.</param>
/// <param name="IsRoot">Whether it was started by root.</param>
/// <param name="Age">When it started: the smaller, the older.</param>
/// <param name="Listed">The name and UUID under which it was listed already, which it keeps.</param>
internal sealed record DomainClaim(
    int Pid, string? Name, bool IsNameOnCommandLine, Guid? Uuid, bool IsUuidOnCommandLine, Guid DerivedUuid, bool IsRoot, ulong Age,
    DomainIdentity? Listed);
