namespace Ballast.Balance;

/// <summary>What a policy knows of the host: sizes in MiB.</summary>
/// <param name="Memory">All its memory, or the budget that guests share.</param>
/// <param name="Overhead">What is needed beside the guests.</param>
/// <param name="Reserve">What is kept free.</param>
/// <param name="Free">What is free now.</param>
/// <param name="Time">Now, in seconds on any clock that does not go back.</param>
/// <param name="Period">Seconds until the next decision.</param>
public sealed record HostState(double Memory, double Overhead, double Reserve, double Free, double Time, double Period);
