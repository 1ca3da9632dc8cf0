using Ballast.Balance.Simulation;

namespace Ballast.Cli.Charts;

/// <summary>What a chart shows of a simulation: so few moments that each is a dot, none of which hides a peak.</summary>
internal sealed class SimulationHistory(int guests, int seconds) : ISimulationObserver
{
    private const int MostMoments = 300;

    private readonly int _perMoment = Math.Max(1, (seconds + MostMoments - 1) / MostMoments);
    private readonly List<SimulationMoment>[] _guests = [.. Enumerable.Range(0, guests).Select(_ => new List<SimulationMoment>())];

    /// <summary>By guest, in the order of time.</summary>
    public IReadOnlyList<IReadOnlyList<SimulationMoment>> Guests => _guests;

    public void Observe(int time, int guest, double need, double balloon, double stall)
    {
        List<SimulationMoment> moments = _guests[guest];
        int begin = (time - 1) / _perMoment * _perMoment;
        double share = stall / Math.Min(_perMoment, seconds - begin);
        if (moments.Count == 0 || moments[^1].Time != begin)
            moments.Add(new SimulationMoment(begin, need, balloon, share));
        else
            moments[^1] = new SimulationMoment(begin, Math.Max(moments[^1].Need, need), balloon, moments[^1].Stall + share);
    }
}

/// <summary>One dot of a chart.</summary>
/// <param name="Time">Seconds from the start until it begins.</param>
/// <param name="Need">The most that the guest needed meanwhile, in MiB.</param>
/// <param name="Balloon">The size that its balloon left it at the end, in MiB.</param>
/// <param name="Stall">The share of it for which the guest stalled.</param>
internal readonly record struct SimulationMoment(int Time, double Need, double Balloon, double Stall);
