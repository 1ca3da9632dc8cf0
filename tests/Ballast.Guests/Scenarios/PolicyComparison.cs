using System.Globalization;
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

    private readonly List<(string Name, double Lost)> _lost = [];
    private readonly List<(string Name, double Mib)> _swapping = [];
    private double _ours, _known, _oracle;

    /// <summary>How many scenarios were compared.</summary>
    public int Count => _lost.Count;

    /// <summary>The share of scenarios on which it is not worse, in percent.</summary>
    public double NotWorsePercent => 100.0 * _lost.Count(one => one.Lost <= Tolerance) / Count;

    /// <summary>The sum of its stalls where there is something to gain, as a share of the best known's.</summary>
    public double StallShare => _known > 0 ? _ours / _known : 0;

    /// <summary>The same of the oracle, which hands out no reserve and makes all short by the same share.</summary>
    public double OracleShare => _known > 0 ? _oracle / _known : 0;

    /// <summary>The scenario on which it is worst, and by how many points of stall.</summary>
    public (string Name, double Lost) Worst => _lost.MaxBy(one => one.Lost);

    /// <summary>The scenarios on which it is worse by more than <see cref="MostWorse"/>.</summary>
    public IReadOnlyList<string> FarWorse => [.. _lost.Where(one => one.Lost > MostWorse).Select(one => one.Name)];

    /// <summary>The scenarios on which the host swaps more, and by how many MiB, on average over the time.</summary>
    public IReadOnlyList<(string Name, double Mib)> Swapping => _swapping;

    /// <summary>Compares our policy on the scenarios of some seeds.</summary>
    /// <param name="seeds">The seeds.</param>
    /// <param name="constants">The model's constants; null for the usual ones.</param>
    /// <param name="guards">The guards that stand before it; null for the model's own. The others always have that.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static PolicyComparison Of(
        IEnumerable<int> seeds, SimulationConstants? constants = null, GuardLimits? guards = null, CancellationToken cancellationToken = default) =>
        Of(
            seeds.Select(seed => (seed.ToString(CultureInfo.InvariantCulture), GeneratedScenario.Create(seed))), constants, guards, known: null,
            cancellationToken);

    /// <summary>Compares our policy on scenarios.</summary>
    /// <param name="scenarios">The scenarios and their names.</param>
    /// <param name="constants">The model's constants; null for the usual ones.</param>
    /// <param name="guards">The guards that stand before it; null for the model's own.</param>
    /// <param name="known">The guards that stand before the best known; null for the model's own, which keeps no minimum.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static PolicyComparison Of(
        IEnumerable<(string Name, Scenario Scenario)> scenarios, SimulationConstants? constants, GuardLimits? guards, GuardLimits? known,
        CancellationToken cancellationToken = default)
    {
        PolicyComparison comparison = new();
        foreach ((string name, Scenario usual) in scenarios)
        {
            Scenario scenario = usual with { Constants = constants ?? new SimulationConstants() };
            comparison.Add(name, Run("ballast", guards), Run("preferred", known), Run("oracle", null));

            SimulationResult Run(string policy, GuardLimits? limits) =>
                Simulator.Run(scenario, policy, Period, guards: limits, cancellationToken: cancellationToken);
        }

        return comparison;
    }

    private void Add(string name, SimulationResult ours, SimulationResult known, SimulationResult oracle)
    {
        _lost.Add((name, ours.StallPercent - known.StallPercent));
        if (ours.HostSwapMib > known.HostSwapMib)
            _swapping.Add((name, ours.HostSwapMib - known.HostSwapMib));
        if (known.StallPercent < oracle.StallPercent + Gainable)
            return;
        _ours += ours.StallPercent;
        _known += known.StallPercent;
        _oracle += oracle.StallPercent;
    }
}
