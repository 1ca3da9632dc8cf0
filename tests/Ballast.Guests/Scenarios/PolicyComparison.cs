using Ballast.Balance.Guards;
using Ballast.Balance.Simulation;

namespace Ballast.Guests.Scenarios;

/// <summary>One policy beside the best known over many scenarios, by what is wanted of it.</summary>
public sealed class PolicyComparison
{
    /// <summary>Being worse by that many points is no difference.</summary>
    public const double Tolerance = 0.2;

    /// <summary>There is something to gain where the best known is above the oracle by that many points.</summary>
    public const double Gainable = 1;

    /// <summary>Nothing may be worse by more points.</summary>
    public const double MostWorse = 3;

    private const int Period = 10;

    private readonly List<(int Seed, double Lost)> _lost = [];
    private readonly List<(int Seed, double Mib)> _swapping = [];
    private double _ours, _known;

    /// <summary>How many scenarios were compared.</summary>
    public int Count => _lost.Count;

    /// <summary>The share of scenarios on which it is not worse, in percent.</summary>
    public double NotWorsePercent => 100.0 * _lost.Count(one => one.Lost <= Tolerance) / Count;

    /// <summary>The sum of its stalls where there is something to gain, as a share of the best known's.</summary>
    public double StallShare => _known > 0 ? _ours / _known : 0;

    /// <summary>The scenario on which it is worst, and by how many points of stall.</summary>
    public (int Seed, double Lost) Worst => _lost.MaxBy(one => one.Lost);

    /// <summary>The scenarios on which it is worse by more than <see cref="MostWorse"/>.</summary>
    public IReadOnlyList<int> FarWorse => [.. _lost.Where(one => one.Lost > MostWorse).Select(one => one.Seed)];

    /// <summary>The scenarios on which the host swaps more, and by how many MiB, on average over the time.</summary>
    public IReadOnlyList<(int Seed, double Mib)> Swapping => _swapping;

    /// <summary>Compares our policy on the scenarios of some seeds.</summary>
    /// <param name="seeds">The seeds.</param>
    /// <param name="constants">The model's constants; null for the usual ones.</param>
    /// <param name="guards">The guards that stand before it; null for the model's own. The others always have that.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static PolicyComparison Of(
        IEnumerable<int> seeds, SimulationConstants? constants = null, GuardLimits? guards = null, CancellationToken cancellationToken = default)
    {
        PolicyComparison comparison = new();
        foreach (int seed in seeds)
        {
            Scenario scenario = GeneratedScenario.Create(seed) with { Constants = constants ?? new SimulationConstants() };
            comparison.Add(
                seed, Run("ballast", guards), Run("preferred", null), Run("oracle", null));

            SimulationResult Run(string policy, GuardLimits? limits) =>
                Simulator.Run(scenario, policy, Period, guards: limits, cancellationToken: cancellationToken);
        }

        return comparison;
    }

    private void Add(int seed, SimulationResult ours, SimulationResult known, SimulationResult oracle)
    {
        _lost.Add((seed, ours.StallPercent - known.StallPercent));
        if (ours.HostSwapMib > known.HostSwapMib)
            _swapping.Add((seed, ours.HostSwapMib - known.HostSwapMib));
        if (known.StallPercent < oracle.StallPercent + Gainable)
            return;
        _ours += ours.StallPercent;
        _known += known.StallPercent;
    }
}
