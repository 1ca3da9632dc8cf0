using Ballast.Balance.Simulation;

namespace Ballast.Guests.Scenarios;

/// <summary>A scenario of <see cref="ScenarioFamilies"/>.</summary>
/// <param name="Family">What happens.</param>
/// <param name="Room">How much memory the host has: a share of what guests need, or MiB beyond their minima.</param>
/// <param name="Scenario">The scenario.</param>
public sealed record FamilyScenario(string Family, string Room, Scenario Scenario)
{
    /// <summary>Its unique name.</summary>
    public string Name => $"{Family} {Room}";
}
