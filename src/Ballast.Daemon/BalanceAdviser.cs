using Ballast.Balance.Advice;
using Ballast.Balance.Policies;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon;

/// <summary>Advises on balloons, and keeps a log of it. It changes nothing.</summary>
internal sealed partial class BalanceAdviser : IAsyncDisposable
{
    // After a failure, and how long the end waits for a look.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30), LongestEnd = TimeSpan.FromSeconds(2);

    private readonly Connection _connection;
    private readonly BudgetSetting _budget;
    private readonly DecisionLog _decisions;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _advising;
    private string _complaint = "";

    public BalanceAdviser(Connection connection, BudgetSetting budget, string path, ILogger log)
    {
        _connection = connection;
        _budget = budget;
        _decisions = new DecisionLog(path);
        _log = log;
        Advising(log, path);
        _advising = Task.Run(() => AdviseAsync(path));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _advising.WaitAsync(LongestEnd).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AdviseAsync(string path)
    {
        CancellationToken token = _end.Token;
        Advisor advisor = new(budget: _budget);
        long start = TimeProvider.System.GetTimestamp();
        bool isFirst = true;
        while (!token.IsCancellationRequested)
        {
            TimeSpan next = Pause;
            try
            {
                SeenHost seen = await HostSampler.LookAsync(_connection, _budget.ControlGroup, refresh: !isFirst, token).ConfigureAwait(false);

                // Not on the thread that received the last answer: this calculates, and writes a file.
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                double now = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
                if (isFirst)
                {
                    _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    advisor.Learn(seen, now);
                }
                else
                {
                    HostAdvice advice = advisor.Consider(seen, now);
                    if (_decisions.Write(TimeProvider.System.GetUtcNow(), BalloonPolicies.Ours, advice))
                        advisor.Tell(advice.Guests);
                }

                (isFirst, _complaint) = (false, "");
                next = TimeSpan.FromSeconds(advisor.Period);
            }
            catch (Exception e) when (!token.IsCancellationRequested)
            {
                // Once for each reason. What nobody expected says what it is: one look fails, not all that come.
                bool isExpected = e is LibvirtException or BudgetException or IOException or UnauthorizedAccessException;
                string reason = isExpected ? e.Message : $"{e.GetType().Name}: {e.Message}";
                if (reason != _complaint)
                    Failed(_log, _complaint = reason);
            }

            await Task.Delay(next, token).ConfigureAwait(false);
        }
    }

    [LoggerMessage(50, LogLevel.Information, "Advises on balloons in {Path}")]
    private static partial void Advising(ILogger log, string path);

    [LoggerMessage(51, LogLevel.Warning, "Cannot advise on balloons now: {Reason}")]
    private static partial void Failed(ILogger log, string reason);
}
