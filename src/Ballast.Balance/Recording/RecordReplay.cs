using Ballast.Balance.Advice;
using Ballast.Balance.Policies;

namespace Ballast.Balance.Recording;

/// <summary>
/// Shows what policies would have decided on a record of a real host, and where that would have been wrong in hindsight. It assumes that a
/// balloon reaches its target at once, within the guards. The memory that guests use stays as recorded, because a record cannot show how
/// they would have reacted.
/// </summary>
public static class RecordReplay
{
    /// <summary>Runs policies over a record, all in one pass.</summary>
    /// <param name="file">The record.</param>
    /// <param name="policies">Names of <see cref="BalloonPolicies.Names"/>.</param>
    /// <param name="period">The minimum number of seconds between two decisions; null for a decision at each sample.</param>
    /// <param name="budgetKiB">The memory that guests share, in KiB; null for what the host had for them.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <exception cref="ArgumentException">There is no such policy.</exception>
    /// <exception cref="InvalidDataException">The file is not a record. The message says why, and in which line.</exception>
    /// <exception cref="BudgetException">The memory that guests share is unknown.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Replay Run(
        Stream file, IReadOnlyList<string> policies, double? period = null, ulong? budgetKiB = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(policies);
        using RecordReader reader = new(file, cancellationToken: cancellationToken);
        BudgetSetting members = new(ControlGroup: reader.Header.ControlGroup), budget = budgetKiB is { } size ? new BudgetSetting(SizeKiB: size) : members;
        PolicyReplay[] runs = [.. policies.Select(policy => new PolicyReplay(policy, period, members))];
        int looks = 0;
        double? first = null;
        double last = 0;
        while (reader.Read() is { } look)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (PolicyReplay run in runs)
                run.Look(budget, look.Host, look.Guests, look.Time);
            looks++;
            first ??= look.Time;
            last = look.Time;
        }

        return new Replay(reader.Header, reader.End)
        {
            Looks = looks,
            Missed = reader.Missed,
            Seconds = last - (first ?? last),
            Policies = [.. runs.Select(run => run.Result())],
        };
    }
}
