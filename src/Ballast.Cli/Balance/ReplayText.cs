using System.Globalization;
using Ballast.Balance.Recording;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Balance;

/// <summary>What policies would have wished, for people.</summary>
internal static class ReplayText
{
    public static void Write(CommandInvocation invocation, Replay replay, int? seconds)
    {
        if (!invocation.IsQuiet)
            WriteHeading(invocation, replay, seconds);
        TextTable table = new("Policy", "Given", "Returned", "GiB h", "Grown", "Wrong", "Worst", "Longest", "Short %");
        foreach (ReplayResult result in replay.Policies)
            table.AddRow(Row(result));
        table.WriteTo(invocation.Out, withHeader: !invocation.IsQuiet);
        if (replay.Policies is [var one])
            WriteGuests(invocation, replay, one);
        if (!invocation.IsQuiet)
            invocation.Out.WriteLine("\nGuests did not live with these wishes; `ballast help balance` says what that means.");
    }

    private static void WriteHeading(CommandInvocation invocation, Replay replay, int? seconds)
    {
        double gap = replay.Seconds / (replay.Looks - 1);
        string missed = replay.Missed > 0 ? string.Create(CultureInfo.InvariantCulture, $", {replay.Missed} failed") : "";
        string decisions = seconds is { } period && period > gap ? string.Create(CultureInfo.InvariantCulture, $"decisions at least {period} s apart") : "a decision at each";
        int guests = replay.Policies[0].Guests.Count;
        invocation.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Moment(replay, 0)}, {HumanSize.Age(TimeSpan.FromSeconds(replay.Seconds))}: {replay.Looks} samples of {guests} {(guests == 1 ? "guest" : "guests")}, one every {HumanSize.Age(TimeSpan.FromSeconds(gap))}{missed}; {decisions}."));
        if (replay.End == RecordEnd.Cut)
            invocation.Out.WriteLine("The record is still being written, or was cut off: what there is, is used.");
        else if (replay.End == RecordEnd.Full)
            invocation.Out.WriteLine("The record ended because the file was full.");
        invocation.Out.WriteLine("");
    }

    private static string[] Row(ReplayResult result) =>
    [
        result.Policy, Size(result.GivenMib), Size(result.ReturnedMib), (result.GivenMibHours / 1024).ToString("F1", CultureInfo.InvariantCulture),
        Size(result.GrownMib), result.Wrong.ToString(CultureInfo.InvariantCulture), result.Wrong == 0 ? HumanSize.Unknown : Size(result.WorstMib),
        result.Wrong == 0 ? HumanSize.Unknown : Time(result.LongestSeconds), result.WrongPercent.ToString("F1", CultureInfo.InvariantCulture),
    ];

    private static void WriteGuests(CommandInvocation invocation, Replay replay, ReplayResult result)
    {
        invocation.Out.WriteLine("");
        TextTable table = new("Guest", "Balloon", "Wish", "Least wish", "Most needed", "Given", "Wrong", "Worst", "Longest");
        foreach (ReplayedGuest guest in result.Guests.OrderByDescending(guest => guest.WorstMib).ThenByDescending(guest => guest.GivenMib))
        {
            bool isWrong = guest.Wrong > 0;
            table.AddRow(
                guest.Name, Size(guest.BalloonMib), Size(guest.WishMib), Size(guest.LeastWishMib), Size(guest.MostNeededMib), Size(guest.GivenMib),
                guest.Wrong.ToString(CultureInfo.InvariantCulture), isWrong ? Size(guest.WorstMib) : HumanSize.Unknown, isWrong ? Time(guest.LongestSeconds) : HumanSize.Unknown);
        }

        table.WriteTo(invocation.Out, withHeader: !invocation.IsQuiet);
        if (result.Worst.Count == 0)
            return;
        invocation.Out.WriteLine("\nThe worst wishes:");
        foreach (WrongWish wrong in result.Worst)
        {
            invocation.Out.WriteLine(SafeText.Escape(
                $"  {Moment(replay, wrong.Time)} {wrong.Guest}: it needed {Size(wrong.NeededMib)}, and the wish left it {Size(wrong.WishMib)}; {Size(wrong.LackMib)} short, for {Time(wrong.Seconds)} in all"));
            invocation.Out.WriteLine(SafeText.Escape($"    The wish's reason: {wrong.Reason}"));
        }
    }

    private static string Moment(Replay replay, double seconds) =>
        (replay.Header.Started + TimeSpan.FromSeconds(seconds)).ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Time(double seconds) => HumanSize.Age(TimeSpan.FromSeconds(seconds));

    private static string Size(double? mib) => mib is { } size ? HumanSize.Of((ulong)Math.Round(Math.Max(0, size) * 1024), SizeUnit.Human) : HumanSize.Unknown;
}
