using Ballast.Balance.Advice;
using Ballast.Balance.Policies;

namespace Ballast.Balance.Recording;

/// <summary>
/// Says what policies would have wished on a record of a real host, and where that would have been wrong in hindsight. A balloon is
/// taken to follow the wish at once, within the guards; what guests use stays as it was recorded, as nobody knows how they would have
/// lived with the wishes.
/// </summary>
public static class RecordReplay
{
    /// <summary>Runs policies over a record, all in one pass.</summary>
    /// <param name="file">The record.</param>
    /// <param name="policies">Names of <see cref="BalloonPolicies.Names"/>.</param>
    /// <param name="period">Seconds between two decisions at least; null: one at each look.</param>
    /// <param name="budgetKiB">What guests share, in KiB; null: what the host had for them.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <exception cref="ArgumentException">There is no such policy.</exception>
    /// <exception cref="InvalidDataException">It is no record; the message says in which line and why.</exception>
    /// <exception cref="BudgetException">Nobody knows what guests share.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Replay Run(
        Stream file, IReadOnlyList<string> policies, double? period = null, ulong? budgetKiB = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(policies);
        PolicyReplay[] runs = [.. policies.Select(policy => new PolicyReplay(policy, period))];
        using RecordReader reader = new(file, cancellationToken: cancellationToken);
        BudgetSetting members = new(ControlGroup: reader.Header.ControlGroup), budget = budgetKiB is { } size ? new BudgetSetting(SizeKiB: size) : members;
        int looks = 0;
        double? first = null;
        double last = 0;
        while (reader.Read() is { } look)
        {
            cancellationToken.ThrowIfCancellationRequested();
            GuestFacts[] guests = [.. look.Guests.Where(guest => HostBudget.Includes(members, guest.GroupPath))];
            foreach (PolicyReplay run in runs)
                run.Look(budget, look.Host, guests, look.Time);
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
