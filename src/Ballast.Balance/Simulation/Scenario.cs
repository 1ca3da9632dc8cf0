namespace Ballast.Balance.Simulation;

/// <summary>What happens to a host and its guests: sizes in MiB.</summary>
public sealed record Scenario
{
    /// <summary>A description for humans.</summary>
    public string About { get; init; } = "";

    /// <summary>The host's memory.</summary>
    public required double Memory { get; init; }

    /// <summary>The memory that the host needs besides the guests.</summary>
    public double Overhead { get; init; }

    /// <summary>The memory that stays free.</summary>
    public double Reserve { get; init; } = 32;

    /// <summary>Its length in seconds.</summary>
    public required int Seconds { get; init; }

    /// <summary>The model's own numbers.</summary>
    public SimulationConstants Constants { get; init; } = new();

    /// <summary>The guests, at least one.</summary>
    public required IReadOnlyList<GuestScenario> Guests { get; init; }
}
