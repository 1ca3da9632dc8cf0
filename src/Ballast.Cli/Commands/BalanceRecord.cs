using System.Globalization;
using Ballast.Balance.Advice;
using Ballast.Cli.Balance;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary><c>balance record</c>: keeps what is seen of a real host.</summary>
internal static class BalanceRecord
{
    public const string Name = "record";

    private const ulong KiB = 1024, DefaultKiB = 256 * KiB, LeastKiB = 64;

    private static readonly (char Unit, double Seconds)[] Units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86400)];

    public static CommandOption Duration { get; } = new("duration", OptionKind.Text, "end the record after this time, such as 90s, 15m, 12h or 7d");

    public static CommandOption Samples { get; } = new("samples", OptionKind.Int, "end the record after this number of samples");

    public static CommandOption MaxSize { get; } =
        new("max-size", OptionKind.ScaledSize, $"end the record before the file is larger, in KiB if no unit is given (default: {DefaultKiB / KiB}M)");

    public static CommandOption Force { get; } = new("force", OptionKind.Flag, "replace the file if there is one");

    public static async Task ExecuteAsync(CommandInvocation invocation, string file, int? seconds)
    {
        ParsedCommand arguments = invocation.Arguments;
        ulong most = arguments.Has(MaxSize) ? arguments.SizeInKiB(MaxSize, long.MaxValue) : DefaultKiB;
        if (most < LeastKiB)
            throw new CommandException($"--{MaxSize.Name} takes at least {LeastKiB}K");
        RecordPlan plan = new(file)
        {
            Period = seconds is { } period ? TimeSpan.FromSeconds(period) : null,
            Duration = arguments.Text(Duration) is { } text ? ReadDuration(text) : null,
            Samples = arguments.Positive(Samples),
            MaxBytes = (long)(most * KiB),
            Replaces = arguments.Has(Force),
            ControlGroup = arguments.Text(BalanceAdvise.Group),
        };
        plan.CheckFile();
        if (!await invocation.Session.TryConnectAsync(invocation.CancellationToken))
        {
            invocation.HasFailed = true;
            return;
        }

        ListCommand.WarnOfHidden(invocation);
        try
        {
            await new RecordRun(invocation, plan).RunAsync();
        }
        catch (BudgetException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static TimeSpan ReadDuration(string text)
    {
        const double most = 366 * 86400.0;
        double unit = Units.FirstOrDefault(known => text.EndsWith(known.Unit)).Seconds;
        string digits = unit > 0 ? text[..^1] : text;
        return double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
            && number * Math.Max(1, unit) is > 0 and <= most and var seconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandException($"'{text}' is not a duration: write a number and s, m, h or d, such as 15m; a year at most");
    }
}
