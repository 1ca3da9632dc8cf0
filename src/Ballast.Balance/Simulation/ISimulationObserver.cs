namespace Ballast.Balance.Simulation;

/// <summary>Sees each second of a simulation.</summary>
public interface ISimulationObserver
{
    /// <summary>A second is over.</summary>
    /// <param name="time">Seconds since the start.</param>
    /// <param name="guest">The guest's place in the scenario.</param>
    /// <param name="need">What its programs and its working set of files need, in MiB.</param>
    /// <param name="balloon">What its balloon leaves it, in MiB.</param>
    /// <param name="stall">The share of the second that it stalled, host swapping included.</param>
    void Observe(int time, int guest, double need, double balloon, double stall);
}
