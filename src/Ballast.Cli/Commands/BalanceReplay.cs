using Ballast.Balance.Advice;
using Ballast.Balance.Policies;
using Ballast.Balance.Recording;
using Ballast.Cli.Balance;
using Ballast.Cli.Parsing;
using Ballast.Files;

namespace Ballast.Cli.Commands;

/// <summary><c>balance replay</c>: what policies would have wished on a record.</summary>
internal static class BalanceReplay
{
    public const string Name = "replay";

    public static async Task ExecuteAsync(CommandInvocation invocation, string file, string? policyName, int? seconds, bool isJson)
    {
        string policy = policyName ?? BalanceSimulate.All;
        IReadOnlyList<string> policies = policy == BalanceSimulate.All ? BalloonPolicies.Names
            : BalloonPolicies.Names.Contains(policy) ? [policy]
            : throw NearestName.Unknown("policy", policy, [BalanceSimulate.All, .. BalloonPolicies.Names]);
        ulong? budget = BalanceAdvise.ReadBudget(invocation.Arguments).SizeKiB;

        // To open a pipe waits until somebody writes, and so does reading from it.
        CancellationToken token = invocation.CancellationToken;
        Replay replay = await Task.Run(() => Run(file, policies, seconds, budget, token), CancellationToken.None).WaitAsync(token);
        if (replay.Looks < 2)
            throw new CommandException($"{file} has {(replay.Looks == 0 ? "no sample" : "one sample")}: a replay needs two, as wishes are judged by what came after them");
        if (invocation.IsDocument = isJson)
            ReplayDocument.Write(invocation.Out, replay, seconds);
        else
            ReplayText.Write(invocation, replay, seconds);
    }

    private static Replay Run(string path, IReadOnlyList<string> policies, int? seconds, ulong? budget, CancellationToken token)
    {
        try
        {
            using FileStream file = new(path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete });
            return RecordReplay.Run(file, policies, seconds, budget, token);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException($"{path}: {e.Message}");
        }
        catch (BudgetException e)
        {
            throw new CommandException(e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot read {path}: {FileTrouble.Why(path, e)}");
        }
    }
}
