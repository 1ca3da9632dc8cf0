namespace Ballast.Balance.Recording;

/// <summary>What policies would have wished on a record: sizes in MiB.</summary>
/// <param name="Header">What the record begins with.</param>
/// <param name="End">How it ended.</param>
public sealed record Replay(RecordHeader Header, RecordEnd End)
{
    /// <summary>How often the host was looked at.</summary>
    public int Looks { get; init; }

    /// <summary>How many looks failed.</summary>
    public int Missed { get; init; }

    /// <summary>From the first look to the last.</summary>
    public double Seconds { get; init; }

    /// <summary>A result for each policy, in the order in which they were named.</summary>
    public required IReadOnlyList<ReplayResult> Policies { get; init; }
}

/// <summary>What one policy would have wished on a record, within the guards: sizes in MiB.</summary>
/// <param name="Policy">Its name.</param>
public sealed record ReplayResult(string Policy)
{
    /// <summary>How often it decided.</summary>
    public int Decisions { get; init; }

    /// <summary>By how much its wishes lay below the balloons' real sizes, the sum of all guests, on average over time.</summary>
    public double GivenMib { get; init; }

    /// <summary>The same summed over time.</summary>
    public double GivenMibHours { get; init; }

    /// <summary>What of that the host held, and would have got back, on average.</summary>
    public double ReturnedMib { get; init; }

    /// <summary>By how much its wishes lay above the balloons' real sizes, the sum of all guests, on average.</summary>
    public double GrownMib { get; init; }

    /// <summary>How far its wishes moved.</summary>
    public double MovedMib { get; init; }

    /// <summary>How often a guest needed more than the wish left it, before the next decisions gave that back.</summary>
    public int Wrong { get; init; }

    /// <summary>How much a guest lacked at most.</summary>
    public double WorstMib { get; init; }

    /// <summary>How long a guest lacked something, at most.</summary>
    public double LongestSeconds { get; init; }

    /// <summary>For how long guests lacked something, summed over them.</summary>
    public double WrongSeconds { get; init; }

    /// <summary>The share of the guests' time in which they did, as far as their needs are known.</summary>
    public double WrongPercent { get; init; }

    /// <summary>Each guest, by name.</summary>
    public required IReadOnlyList<ReplayedGuest> Guests { get; init; }

    /// <summary>The worst of the wrong wishes, the largest lack first.</summary>
    public required IReadOnlyList<WrongWish> Worst { get; init; }
}

/// <summary>What a policy would have wished for a guest: sizes in MiB.</summary>
/// <param name="Name">The guest's name.</param>
/// <param name="Uuid">Its UUID.</param>
public sealed record ReplayedGuest(string Name, Guid Uuid)
{
    /// <summary>For how long it was there.</summary>
    public double Seconds { get; init; }

    /// <summary>For how long of that it is known what it needed.</summary>
    public double KnownSeconds { get; init; }

    /// <summary>Its balloon's real size, on average.</summary>
    public double BalloonMib { get; init; }

    /// <summary>What the policy would have left it, on average.</summary>
    public double WishMib { get; init; }

    /// <summary>The least that it would have left it.</summary>
    public double LeastWishMib { get; init; }

    /// <summary>The most that it was seen to need; null where that is never known.</summary>
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

/// <summary>A wish that turned out to be wrong: sizes in MiB.</summary>
/// <param name="Guest">The guest's name.</param>
/// <param name="Time">When it was seen to lack most, in seconds since the record began.</param>
/// <param name="Seconds">For how long it lacked something.</param>
/// <param name="WishMib">What the wish left it then.</param>
/// <param name="NeededMib">What it needed then.</param>
/// <param name="Reason">The policy's reason for the wish.</param>
public sealed record WrongWish(string Guest, double Time, double Seconds, double WishMib, double NeededMib, string Reason)
{
    /// <summary>What it lacked.</summary>
    public double LackMib => NeededMib - WishMib;
}
