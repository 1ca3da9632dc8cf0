namespace Ballast.Balance.Policies;

/// <summary>The policies that can decide about real guests, by their names.</summary>
public static class BalloonPolicies
{
    /// <summary>The name of Ballast's own policy.</summary>
    public const string Ours = "ballast";

    private static readonly (string Name, Func<IBalloonPolicy> Create)[] Known =
    [
        ("static", () => new StaticPolicy()),
        ("shrink_by_free", () => new ShrinkByFreePolicy()),
        ("host_goal", () => new HostGoalPolicy()),
        ("proportional", () => new ProportionalPolicy()),
        ("preferred", () => new PreferredPolicy()),
        ("watermark", () => new WatermarkPolicy()),
        ("pi_control", () => new PiControlPolicy()),
        (Ours, () => new BallastPolicy()),
    ];

    /// <summary>The names of all policies; <see cref="Ours"/> is the last.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Select(known => known.Name)];

    /// <summary>Creates a policy without any history.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is no such policy.</exception>
    public static IBalloonPolicy Create(string name) =>
        Known.FirstOrDefault(known => known.Name == name).Create?.Invoke() ?? throw new ArgumentException($"there is no policy '{name}'", nameof(name));
}
