namespace Ballast.Balance.Simulation;

/// <summary>What a policy did to a host and its guests.</summary>
/// <param name="Policy">Its name.</param>
/// <param name="Period">Seconds between two decisions.</param>
/// <param name="StallPercent">The share of the time that guests stalled, host swapping included: the mean of the guests.</param>
/// <param name="WorstGuestPercent">The same for the guest that stalled most.</param>
/// <param name="HostSwapMib">Memory in the host's swap, on average, in MiB.</param>
/// <param name="HostIdlePercent">The share of the host's memory that was idle, on average, in percent.</param>
/// <param name="MovedMib">How far balloons moved, in MiB.</param>
public sealed record SimulationResult(
    string Policy, int Period, double StallPercent, double WorstGuestPercent, double HostSwapMib, double HostIdlePercent, double MovedMib)
{
    /// <summary>The share of the time that each guest stalled, by the order of the scenario, in percent.</summary>
    public required IReadOnlyList<double> GuestStallPercent { get; init; }
}
