using Ballast.Balance.Policies;
using Ballast.Balance.Simulation;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Balloon policies, before anybody trusts them, and advice on real guests.</summary>
internal static class BalanceCommand
{
    private static readonly string[] Actions = [BalanceAdvise.Name, BalanceLog.Name, BalanceRecord.Name, BalanceReplay.Name, BalanceSimulate.Name];

    private static readonly CommandOption Action = new("action", OptionKind.Text, $"what to do: {string.Join(", ", Actions)}")
    {
        IsPositional = true,
        IsRequired = true,
        Values = () => Actions,
    };

    private static readonly CommandOption What = new("file", OptionKind.RepeatedText, "domains to advise on (default: all), or the file: a log, a record, a scenario")
    {
        IsPositional = true,
        Completes = ValueCompletion.File,
    };

    private static readonly CommandOption Policy = new("policy", OptionKind.Text, $"one policy; default: {BalloonPolicies.Ours} to advise, else {BalanceSimulate.All}")
    {
        Values = () => [BalanceSimulate.All, .. Simulator.Policies],
    };

    private static readonly CommandOption Period = new("period", OptionKind.Int, $"seconds between two decisions or samples (default: {BalanceSimulate.DefaultSeconds} to simulate, else automatic)");

    private const int MostSeconds = 86400;

    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write a JSON object per line");

    private static readonly (CommandOption Option, string[] Actions)[] Owners =
    [
        (Policy, [BalanceAdvise.Name, BalanceReplay.Name, BalanceSimulate.Name]),
        (Period, [BalanceAdvise.Name, BalanceRecord.Name, BalanceReplay.Name, BalanceSimulate.Name]),
        (Json, [BalanceAdvise.Name, BalanceLog.Name, BalanceReplay.Name, BalanceSimulate.Name]),
        (BalanceAdvise.Budget, [BalanceAdvise.Name, BalanceReplay.Name]), (BalanceAdvise.Group, [BalanceAdvise.Name, BalanceRecord.Name]),
        (BalanceAdvise.Watch, [BalanceAdvise.Name]),
        (BalanceSimulate.Svg, [BalanceSimulate.Name]), (BalanceSimulate.Guarded, [BalanceSimulate.Name]),
        (BalanceRecord.Samples, [BalanceRecord.Name]), (BalanceRecord.Duration, [BalanceRecord.Name]),
        (BalanceRecord.MaxSize, [BalanceRecord.Name]), (BalanceRecord.Force, [BalanceRecord.Name]),
    ];

    public static Command Command { get; } = new("balance", "advise which guests could give up memory, and compare balloon policies")
    {
        Description =
            $$"""
            `balance advise [DOMAIN…]` says which guests could give up memory now, at what risk, and which ones are
            short of it. Each line has a reason, the guard that limits it, and the command that carries it out.
            Nothing is changed. The command looks twice, some seconds apart, because rates need two reports. It names
            guests whose numbers are unreliable, or whose balloon would give the host nothing back, and advises
            nothing for them. --watch continues, and reports the effect of advice that you followed. Without a daemon
            (qmp:///), --watch and `balance record` hold the guests' monitors, and `setmem` in another terminal fails
            (resource busy): start ballastd first, then all of them ask it.

            `balance log [FILE]` shows the advice that ballastd logged, if its configuration has balance = "advise"
            (default: {{BalanceLog.DefaultFile}}).

            `balance record FILE` records the host and its guests, a sample every 2 to 30 seconds, until Ctrl-C,
            --duration or --samples. It changes nothing. The file is JSON lines compressed by gzip (zcat shows them).
            It is readable however the recording ended, and grows no larger than --max-size. If the connection to a
            daemon is lost, `record` and `advise --watch` say so and try to connect again until Ctrl-C; the record
            says what was missed.

            `balance replay FILE` shows what each policy, within the guards, would have decided on a record:
              Given       memory that it would have taken from guests, all together, on average
              Returned    the part of Given that the host held and would have got back, on average
              GiB h       Given, summed over time
              Grown       memory that it would have added to guests, on average
              Wrong       how often a guest then needed at least 16 MiB more than it was left, before the next
                          decisions gave that back
              Worst       the most that a guest lacked
              Longest     the longest time that a guest lacked memory; Short %: the share of the guests' time
            With one policy, each guest and the worst decisions are shown. The guests never lived with these
            decisions. So a record cannot show what a guest would have done with less memory, what it would have
            read from disk again, or what it would have used if it had had more.

            `balance simulate FILE` runs a scenario with each policy and writes one line per policy:
              Stall       the share of the time that guests stalled, because they or the host swapped, or because the
                          files they work on did not fit into their caches; the mean of the guests
              Worst       the same for the guest that stalled most
              Host swap   memory in the host's swap, on average
              Idle        the share of the host's memory that was idle, on average
              Moved       how far balloons moved
            --svg draws a chart of one policy: each guest's need, its balloon, and when it stalled. --guarded applies
            the guards that protect real balloons instead of the model's simple one. Nothing on a real host is read or
            changed. docs/balancing.md describes advice, records, guards and the model. A scenario is a JSON object;
            sizes are in MiB, times in seconds, and a series is [time, size], …:
              {"memory": 8192, "seconds": 600, "guests": [
                {"name": "web", "maximum": 4096, "minimum": 512, "anon": [[0, 1024], [300, 3000]]},
                {"name": "db", "maximum": 6144, "anon": [[0, 900]], "hot": [[0, 2048]], "data": 4096}]}
            anon is the memory of a guest's programs, hot the files that they read again and again, data all files
            that the guest could ever cache. Other members of a guest: start, shared, silent_from, deaf_from, claims,
            total_stays, shares; of the host: overhead, reserve, about, constants.

            Policies: {{string.Join(", ", Simulator.Policies.Take(4))}},
            {{string.Join(", ", Simulator.Policies.Skip(4))}}. static never moves a balloon; oracle knows what guests
            will need until the next decision; ballast is our own.

            """,
        Options =
        [
            Action, What, Policy, Period, BalanceAdvise.Budget, BalanceAdvise.Group, BalanceAdvise.Watch, BalanceRecord.Duration, BalanceRecord.Samples,
            BalanceRecord.MaxSize, BalanceRecord.Force, Json, BalanceSimulate.Svg, BalanceSimulate.Guarded,
        ],
        NeedsConnection = false,
        Offers = IsOffered,
        Completes = static (words, option) => option == What && ActionOf(words) == BalanceAdvise.Name ? ValueCompletion.Domain : option.Completes,
        Execute = ExecuteAsync,
    };

    private static bool IsOffered(IReadOnlyList<string> words, CommandOption option, string? value)
    {
        if (ActionOf(words) is not { } action)
            return true;
        string[]? owners = Array.Find(Owners, owner => owner.Option == option).Actions;
        return owners?.Contains(action) != false && (option != Policy || value is null || BalloonPolicies.Names.Contains(value)
            || action == BalanceSimulate.Name || (action == BalanceReplay.Name && value == BalanceSimulate.All));
    }

    private static string? ActionOf(IReadOnlyList<string> words) => words.FirstOrDefault(Actions.Contains);

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        string action = arguments.Text(Action)!;
        if (!Actions.Contains(action))
            throw NearestName.Unknown("action", action, Actions);
        foreach ((CommandOption option, string[] owners) in Owners)
        {
            if (arguments.Has(option) && !owners.Contains(action))
                throw new CommandException($"option --{option.Name} is for {string.Join(", ", owners)}");
        }

        int? seconds = arguments.Positive(Period);
        if (seconds > MostSeconds)
            throw new CommandException($"--{Period.Name} takes at most {MostSeconds} seconds: a day");
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
        await (action switch
        {
            BalanceRecord.Name => BalanceRecord.ExecuteAsync(invocation, file, seconds),
            BalanceReplay.Name => BalanceReplay.ExecuteAsync(invocation, file, arguments.Text(Policy), seconds, arguments.Has(Json)),
            _ => BalanceSimulate.ExecuteAsync(invocation, file, arguments.Text(Policy), seconds, arguments.Has(Json)),
        });
    }
}
