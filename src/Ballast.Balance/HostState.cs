namespace Ballast.Balance;

/// <summary>The host, as a policy sees it: sizes in MiB.</summary>
/// <param name="Memory">All of its memory, or the budget that guests share.</param>
/// <param name="Overhead">The memory that the host needs besides the guests.</param>
/// <param name="Reserve">The memory that stays free.</param>
/// <param name="Free">The memory that is free now.</param>
/// <param name="Time">The current time, in seconds on any monotonic clock.</param>
/// <param name="Period">Seconds until the next decision.</param>
public sealed record HostState(double Memory, double Overhead, double Reserve, double Free, double Time, double Period);
