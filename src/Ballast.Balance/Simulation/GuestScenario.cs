namespace Ballast.Balance.Simulation;

/// <summary>What happens to one guest: sizes in MiB, times in seconds.</summary>
public sealed record GuestScenario
{
    /// <summary>The guest's name; unique.</summary>
    public required string Name { get; init; }

    /// <summary>The most memory it may have.</summary>
    public required double Maximum { get; init; }

    /// <summary>The least memory that it is left with.</summary>
    public double Minimum { get; init; }

    /// <summary>The memory of its programs.</summary>
    public required TimeSeries Anonymous { get; init; }

    /// <summary>The part of its files that it reads again and again.</summary>
    public TimeSeries Hot { get; init; } = TimeSeries.Constant(0);

    /// <summary>All files that it could ever cache.</summary>
    public double Data { get; init; }

    /// <summary>The time from which its statistics no longer change; null for never.</summary>
    public double? SilentFrom { get; init; }

    /// <summary>The time from which its balloon no longer moves; null for never.</summary>
    public double? DeafFrom { get; init; }

    /// <summary>The factor by which it exaggerates the memory that it uses; 1 for a guest that reports the truth.</summary>
    public double Claims { get; init; } = 1;

    /// <summary>The part of its programs' memory that is shared, which it reports as cache.</summary>
    public TimeSeries Shared { get; init; } = TimeSeries.Constant(0);

    /// <summary>Whether the memory that its kernel reports as total stays the same when the balloon shrinks it.</summary>
    public bool TotalStays { get; init; }

    /// <summary>Its weight among the guests.</summary>
    public double Shares { get; init; } = 1;

    /// <summary>Its balloon's size at the start; null for the maximum.</summary>
    public double? Start { get; init; }
}
