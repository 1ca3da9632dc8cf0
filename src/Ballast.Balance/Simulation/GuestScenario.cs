namespace Ballast.Balance.Simulation;

/// <summary>What happens to one guest: sizes in MiB, times in seconds.</summary>
public sealed record GuestScenario
{
    /// <summary>The guest's name, which no other has.</summary>
    public required string Name { get; init; }

    /// <summary>The most memory it may have.</summary>
    public required double Maximum { get; init; }

    /// <summary>The least that it is to be left.</summary>
    public double Minimum { get; init; }

    /// <summary>The memory of its programs.</summary>
    public required TimeSeries Anonymous { get; init; }

    /// <summary>The part of its files that it reads again and again.</summary>
    public TimeSeries Hot { get; init; } = TimeSeries.Constant(0);

    /// <summary>All files that it would ever cache.</summary>
    public double Data { get; init; }

    /// <summary>From then on its statistics stand still.</summary>
    public double? SilentFrom { get; init; }

    /// <summary>From then on its balloon does not move.</summary>
    public double? DeafFrom { get; init; }

    /// <summary>It reports so many times what it uses: a liar where that is not 1.</summary>
    public double Claims { get; init; } = 1;

    /// <summary>The part of its programs' memory that is shared, which it reports as cache.</summary>
    public TimeSeries Shared { get; init; } = TimeSeries.Constant(0);

    /// <summary>What its kernel manages does not shrink with the balloon.</summary>
    public bool TotalStays { get; init; }

    /// <summary>Its weight beside the others.</summary>
    public double Shares { get; init; } = 1;

    /// <summary>Its balloon's size at the start; null for the maximum.</summary>
    public double? Start { get; init; }
}
