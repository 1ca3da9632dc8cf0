using System.Globalization;
using Ballast.Balance.Advice;
using Ballast.Balance.Policies;
using Ballast.Cli.Balance;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary><c>balance advise</c>: what could be done about the balloons of real guests. It changes nothing.</summary>
internal static class BalanceAdvise
{
    public const string Name = "advise";

    // Rates need two reports, not too near to each other; and nobody waits longer for the second.
    private static readonly TimeSpan ShortestLook = TimeSpan.FromSeconds(5), LongestLook = TimeSpan.FromSeconds(10);

    // A report is not there the moment it is due.
    private static readonly TimeSpan ReportSlack = TimeSpan.FromMilliseconds(200);

    public static CommandOption Budget { get; } = new("budget", OptionKind.ScaledSize, "the memory that guests share, in KiB if no unit is given (default: what the host has)");

    public static CommandOption Group { get; } = new("cgroup", OptionKind.Text, "only the guests of this memory control group, which share its limit");

    public static CommandOption Watch { get; } = new("watch", OptionKind.Flag, "continue until Ctrl-C, and report the effect of the advice");

    /// <param name="invocation">The command.</param>
    /// <param name="names">The guests to show; none: all.</param>
    /// <param name="policy">The policy's name; null for ours.</param>
    /// <param name="seconds">Seconds between two looks; null: as it seems fit.</param>
    /// <param name="isJson">Whether to write JSON.</param>
    public static async ValueTask ExecuteAsync(CommandInvocation invocation, IReadOnlyList<string> names, string? policy, int? seconds, bool isJson)
    {
        string name = policy ?? BalloonPolicies.Ours;
        if (!BalloonPolicies.Names.Contains(name))
            throw NearestName.Unknown("policy", name, [.. BalloonPolicies.Names]);
        BudgetSetting budget = ReadBudget(invocation.Arguments);
        if (!await invocation.Session.TryConnectAsync(invocation.CancellationToken))
        {
            invocation.HasFailed = true;
            return;
        }

        invocation.IsDocument = isJson;
        ListCommand.WarnOfHidden(invocation);
        HashSet<Guid> shown = [];
        foreach (string domain in names)
            _ = shown.Add((await DomainArgument.FindAsync(invocation, domain, DomainKeys.Any)).Uuid);
        try
        {
            await RunAsync(new AdviceRun(invocation, name, () => new Advisor(name, budget) { FixedPeriod = seconds }, budget.ControlGroup, shown, isJson, lasts: invocation.Arguments.Has(Watch)), invocation, seconds);
        }
        catch (BudgetException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static async Task RunAsync(AdviceRun run, CommandInvocation invocation, int? seconds)
    {
        TimeSpan? fixedPeriod = seconds is { } number ? TimeSpan.FromSeconds(number) : null;
        TimeSpan reports = await run.LearnAsync();
        TimeSpan first = fixedPeriod ?? TimeSpan.FromTicks(Math.Clamp((reports + ReportSlack).Ticks, ShortestLook.Ticks, LongestLook.Ticks));
        invocation.ShowProgress(string.Create(CultureInfo.InvariantCulture, $"Rates need two reports: looking again in {first.TotalSeconds:0.#} s …"));
        await run.WaitAsync(first);
        invocation.ShowProgress("");
        TimeSpan next = await run.AdviseAsync();
        HashSet<string> told = [];
        while (invocation.Arguments.Has(Watch))
        {
            await run.WaitAsync(fixedPeriod ?? next);
            try
            {
                next = await run.AdviseAsync();
                told.Clear();
            }
            catch (BudgetException e)
            {
                // The next look may be able to read it. The reason is shown when it changes.
                if (!told.Contains(e.Message))
                {
                    told = [e.Message];
                    invocation.Warn(e.Message);
                }

                next = LongestLook;
            }
        }
    }

    public static BudgetSetting ReadBudget(ParsedCommand arguments)
    {
        if (arguments.Has(Budget) && arguments.Has(Group))
            throw new CommandException($"options --{Budget.Name} and --{Group.Name} are mutually exclusive");
        if (arguments.Has(Budget) && arguments.SizeInKiB(Budget) == 0)
            throw new CommandException($"--{Budget.Name} 0 leaves nothing to guests: name what they may share, such as 48G");
        return arguments.Has(Budget) ? new BudgetSetting(SizeKiB: arguments.SizeInKiB(Budget)) : new BudgetSetting(ControlGroup: arguments.Text(Group));
    }
}
