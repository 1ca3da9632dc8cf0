using System.Diagnostics;
using Ballast.Server;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon.Systemd;

/// <summary>Tells the service manager when the daemon serves, reloads, and stops, what it has to do, and that it works.</summary>
/// <param name="manager">Who is told; null: nobody.</param>
/// <param name="probe">Finds out whether the daemon answers.</param>
/// <param name="status">What it has to do at the moment, in a line.</param>
/// <param name="log">Told where the daemon does not answer itself.</param>
internal sealed partial class ServiceReports(ServiceManager? manager, ServerProbe probe, Func<string> status, ILogger log) : IAsyncDisposable
{
    // Two questions may be lost before it counts as dead.
    private const int QuestionsInTime = 3;

    // A shorter one is none to a timer, and leaves no time for an answer.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _end = new();
    private Task _reporting = Task.CompletedTask;
    private string _said = "";

    /// <summary>Clients are served from now on.</summary>
    public void Ready()
    {
        if (manager is null)
            return;
        _said = status();
        if (!manager.Tell("READY=1", $"STATUS={_said}"))
            NotHeard(log);
        _reporting = Task.WhenAll(
            Task.Run(ReportAsync), manager.Watchdog is { } time ? Task.Run(() => ProveAsync(time / QuestionsInTime)) : Task.CompletedTask);
    }

    public void Reload(Action reload)
    {
        // Monotonic, in microseconds, as the manager's own clock: by it, it knows which reload this is.
        _ = manager?.Tell("RELOADING=1", FormattableString.Invariant($"MONOTONIC_USEC={(long)(Stopwatch.GetTimestamp() * (1e6 / Stopwatch.Frequency))}"));
        try
        {
            reload();
        }
        finally
        {
            _ = manager?.Tell("READY=1");
        }
    }

    public void Stopping() => _ = manager?.Tell("STOPPING=1", "STATUS=Stopping");

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task ReportAsync()
    {
        using PeriodicTimer timer = new(StatusInterval);
        while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false))
        {
            string now = status();
            if (now != _said && manager!.Tell($"STATUS={now}"))
                _said = now;
        }
    }

    /// <summary>Says that the daemon is alive, but only as long as it answers a client.</summary>
    private async Task ProveAsync(TimeSpan interval)
    {
        if (interval < Shortest)
            interval = Shortest;
        using PeriodicTimer timer = new(interval);
        do
        {
            using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            deadline.CancelAfter(interval);
            try
            {
                await probe.AskAsync(deadline.Token).ConfigureAwait(false);
                _ = manager!.Tell("WATCHDOG=1");
            }
            catch (Exception e) when (!_end.IsCancellationRequested)
            {
                NoAnswer(log, e is OperationCanceledException ? FormattableString.Invariant($"no answer within {interval.TotalSeconds:0.###} s") : e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false));
    }

    [LoggerMessage(60, LogLevel.Warning, "The daemon does not answer its own question ({Reason}); systemd restarts it if this continues (WatchdogSec)")]
    private static partial void NoAnswer(ILogger log, string reason);

    [LoggerMessage(61, LogLevel.Warning, "Cannot tell systemd that the daemon is ready (NOTIFY_SOCKET)")]
    private static partial void NotHeard(ILogger log);
}
