using Ballast.Balance.Policies;
using Ballast.Balance.Simulation;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Balloon policies, before anybody trusts them, and advice on real guests.</summary>
internal static class BalanceCommand
{
    private static readonly string[] Actions = [BalanceAdvise.Name, BalanceLog.Name, BalanceSimulate.Name];

    private static readonly CommandOption Action = new("action", OptionKind.Text, $"what to do: {string.Join(", ", Actions)}")
    {
        IsPositional = true,
        IsRequired = true,
        Values = () => Actions,
    };

    private static readonly CommandOption What = new("file", OptionKind.RepeatedText, "domains to advise on (default: all), a scenario to simulate, or a log")
    {
        IsPositional = true,
        Completes = ValueCompletion.File,
    };

    private static readonly CommandOption Policy = new("policy", OptionKind.Text, $"one policy; default: {BalloonPolicies.Ours} to advise, {BalanceSimulate.All} to simulate")
    {
        Values = () => [BalanceSimulate.All, .. Simulator.Policies],
    };

    private static readonly CommandOption Period = new("period", OptionKind.Int, $"seconds between two decisions (default: {BalanceSimulate.DefaultSeconds} to simulate; to advise, as it seems fit)");

    private static readonly (CommandOption Option, string Action)[] Owners =
    [
        (BalanceAdvise.Budget, BalanceAdvise.Name), (BalanceAdvise.Group, BalanceAdvise.Name), (BalanceAdvise.Watch, BalanceAdvise.Name),
        (BalanceSimulate.Svg, BalanceSimulate.Name), (BalanceSimulate.Guarded, BalanceSimulate.Name),
    ];

    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write a JSON object per line");

    public static Command Command { get; } = new("balance", "say which guests could give memory, and compare balloon policies")
    {
        Description =
            $"""
            `balance advise [DOMAIN…]` says which guests could give memory now, at what risk, and which are short of
            it. Each line has its reason, the guard that bounds it, and the command to follow. Nothing is changed. It
            looks twice, some seconds apart, because rates need two reports. It names guests with unreliable numbers,
            and guests whose balloon would give the host nothing back, and leaves them alone. --watch looks again and
            again, and reports what came of advice that you followed.

            `balance log [FILE]` shows the advice that ballastd logged, if its configuration has balance = "advise"
            (default: {BalanceLog.DefaultFile}).

            `balance simulate FILE` runs a scenario with each policy and writes one line per policy:
              Stall       the share of the time for which guests stalled, because they or the host swapped or because
                          files that they work on did not fit into their caches; the mean of the guests
              Worst       the same of the guest that fared worst
              Host swap   what lay in the host's swap, on average
              Idle        the share of the host's memory that lay idle, on average
              Moved       how far balloons moved
            --svg draws a chart of one policy: each guest's need, its balloon, and when it stalled. --guarded puts the
            guards between policies and balloons that stand before real ones, in place of the model's simple one.
            Nothing on a real host is read or changed. docs/balancing.md describes advice, guards and the model.

            Policies: {string.Join(", ", Simulator.Policies.Take(4))},
            {string.Join(", ", Simulator.Policies.Skip(4))}. static never moves a balloon; oracle knows what guests
            will need until the next decision; ballast is ours.

            """,
        Options = [Action, What, Policy, Period, BalanceAdvise.Budget, BalanceAdvise.Group, BalanceAdvise.Watch, Json, BalanceSimulate.Svg, BalanceSimulate.Guarded],
        NeedsConnection = false,
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        string action = arguments.Text(Action)!;
        if (!Actions.Contains(action))
            throw NearestName.Unknown("action", action, Actions);
        foreach ((CommandOption option, string owner) in Owners)
        {
            if (arguments.Has(option) && action != owner)
                throw new CommandException($"option --{option.Name} is for {owner}");
        }

        int? seconds = arguments.Positive(Period);
        if (action == BalanceAdvise.Name)
        {
            await BalanceAdvise.ExecuteAsync(invocation, [.. arguments.Texts(What)], arguments.Text(Policy), seconds, arguments.Has(Json));
            return;
        }


        string[] files = [.. arguments.Texts(What)];
        if (files is [_, var more, ..])
            throw new CommandException($"unexpected data '{more}'");
        if (action == BalanceLog.Name)
        {
            await BalanceLog.ExecuteAsync(invocation, files.FirstOrDefault(), arguments.Has(Json));
            return;
        }

        string file = files.FirstOrDefault() ?? throw new CommandException($"command 'balance' requires <{What.Name}> option");
        await BalanceSimulate.ExecuteAsync(invocation, file, arguments.Text(Policy), seconds, arguments.Has(Json));
    }
}
