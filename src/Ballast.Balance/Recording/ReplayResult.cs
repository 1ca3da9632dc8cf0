namespace Ballast.Balance.Recording;

/// <summary>What policies would have decided on a record: sizes in MiB.</summary>
/// <param name="Header">The beginning of the record.</param>
/// <param name="End">Why the record ended.</param>
public sealed record Replay(RecordHeader Header, RecordEnd End)
{
    /// <summary>The number of samples.</summary>
    public int Looks { get; init; }

    /// <summary>The number of samples that could not be taken.</summary>
    public int Missed { get; init; }

    /// <summary>The time from the first sample to the last, in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>The result of each policy, in the order of the arguments.</summary>
    public required IReadOnlyList<ReplayResult> Policies { get; init; }
}

/// <summary>What one policy would have decided on a record, within the guards: sizes in MiB.</summary>
/// <param name="Policy">Its name.</param>
public sealed record ReplayResult(string Policy)
{
    /// <summary>The number of decisions.</summary>
    public int Decisions { get; init; }

    /// <summary>The memory that it would have taken below the balloons' real sizes: the sum over guests, on average over time.</summary>
    public double GivenMib { get; init; }

    /// <summary>The same, summed over time, in MiB hours.</summary>
    public double GivenMibHours { get; init; }

    /// <summary>The part of <see cref="GivenMib"/> that the host held and would have got back, on average.</summary>
    public double ReturnedMib { get; init; }

    /// <summary>The memory that it would have added above the balloons' real sizes: the sum over guests, on average.</summary>
    public double GrownMib { get; init; }

    /// <summary>How far its targets moved.</summary>
    public double MovedMib { get; init; }

    /// <summary>How often a guest then needed at least 16 MiB more than it was left, before the next decisions gave that back.</summary>
    public int Wrong { get; init; }

    /// <summary>The most that a guest lacked.</summary>
    public double WorstMib { get; init; }

    /// <summary>The longest time that a guest lacked memory, in seconds.</summary>
    public double LongestSeconds { get; init; }

    /// <summary>The time that guests lacked memory, in seconds, summed over guests.</summary>
    public double WrongSeconds { get; init; }

    /// <summary>The share of the guests' time in which they lacked memory, in percent. Time in which their needs are unknown does not count.</summary>
    public double WrongPercent { get; init; }

    /// <summary>Each guest, by name.</summary>
    public required IReadOnlyList<ReplayedGuest> Guests { get; init; }

    /// <summary>The worst of the wrong decisions, the largest lack first.</summary>
    public required IReadOnlyList<WrongWish> Worst { get; init; }
}

/// <summary>What a policy would have decided for one guest: sizes in MiB.</summary>
/// <param name="Name">The guest's name.</param>
/// <param name="Uuid">Its UUID.</param>
public sealed record ReplayedGuest(string Name, Guid Uuid)
{
    /// <summary>The time that it was there, in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>The part of that time in which its needs are known, in seconds.</summary>
    public double KnownSeconds { get; init; }

    /// <summary>Its balloon's real size, on average.</summary>
    public double BalloonMib { get; init; }

    /// <summary>What the policy would have left it, on average.</summary>
    public double WishMib { get; init; }

    /// <summary>The least that the policy would have left it.</summary>
    public double LeastWishMib { get; init; }

    /// <summary>The most that it needed; null if its needs are never known.</summary>
    public double? MostNeededMib { get; init; }

    /// <inheritdoc cref="ReplayResult.GivenMib"/>
    public double GivenMib { get; init; }

    /// <inheritdoc cref="ReplayResult.Wrong"/>
    public int Wrong { get; init; }

    /// <inheritdoc cref="ReplayResult.WorstMib"/>
    public double WorstMib { get; init; }

    /// <inheritdoc cref="ReplayResult.LongestSeconds"/>
    public double LongestSeconds { get; init; }

    /// <inheritdoc cref="ReplayResult.WrongSeconds"/>
    public double WrongSeconds { get; init; }
}

/// <summary>A decision that turned out to be wrong: sizes in MiB.</summary>
/// <param name="Guest">The guest's name.</param>
/// <param name="Time">When it lacked most, in seconds since the record began.</param>
/// <param name="Seconds">How long it lacked memory.</param>
/// <param name="WishMib">The memory that the decision left it at that time.</param>
/// <param name="NeededMib">The memory that it needed at that time.</param>
/// <param name="Reason">The policy's reason.</param>
public sealed record WrongWish(string Guest, double Time, double Seconds, double WishMib, double NeededMib, string Reason)
{
    /// <summary>The memory that it lacked.</summary>
    public double LackMib => NeededMib - WishMib;
}
