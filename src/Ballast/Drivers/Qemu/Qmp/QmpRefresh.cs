namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>How a refresh went.</summary>
internal enum RefreshOutcome
{
    /// <summary>The guest has reported since it was asked.</summary>
    Answered,

    /// <summary>There was nobody to ask: the guest is paused, or has no balloon or no driver; or the monitor cannot be used.</summary>
    NotAsked,

    /// <summary>It was asked, and did not answer in time.</summary>
    Unanswered,
}

/// <summary>
/// Makes a guest report at once: QEMU asks it when the collection period is turned off and on again. One refresh serves
/// all who want one meanwhile; it goes on when they give up, and leaves the period as it was.
/// </summary>
internal sealed class QmpRefresh(QmpMonitor monitor, TimeProvider time) : IAsyncDisposable
{
    // Killed between the two writes, we leave a guest behind that is woken once a day. It is our mark, too.
    private const int SecondsOfDay = 86400;

    private const MonitorParts Report = MonitorParts.GuestStats | MonitorParts.StatsQueue;

    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(1), LastLook = TimeSpan.FromMilliseconds(50);

    // Where the guest does not answer, its period is set back when the time is up: who asked is told when that is done.
    private static readonly TimeSpan SettingBack = TimeSpan.FromMilliseconds(100);

    // Nobody who closes waits long for a QEMU that does not answer: our mark stays, and the next one that uses it puts it back.
    private static readonly TimeSpan LongestWhereGivenUp = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private CancellationTokenSource _end = new();
    private Task<RefreshOutcome>? _running;
    private Exception? _giveUp;

    // Whether the last change was answered whole; only the one refresh that runs touches it.
    private bool _isWhole;

    // Whether a change was sent and is not answered yet.
    private volatile bool _isChanging;

    private bool IsRunning
    {
        get
        {
            lock (_gate)
                return _running is { IsCompleted: false };
        }
    }

    /// <summary>
    /// The collection period that stands for what QEMU says: a day's is only set while a refresh asks a guest whose collection
    /// is off, so that it is off for everybody, also where that refresh was killed.
    /// </summary>
    public static uint Period(uint interval) => interval == SecondsOfDay ? 0 : interval;

    /// <summary>Whether a refresh left its mark: neither ours runs, nor, as the age of the report says, one of another process.</summary>
    public bool IsLeftOver(uint interval, TimeSpan? age, TimeSpan timeout) =>
        interval == SecondsOfDay && !(age < timeout + timeout) && !IsRunning;

    /// <summary>Puts back what a refresh left that was killed.</summary>
    public async Task PutBackAsync(Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (monitor.Balloon is not { } balloon)
            return;
        MonitorValues now = await monitor.QueryAsync(MonitorParts.PollingInterval, timeout, isMeant, runsInline: false, cancellationToken).ConfigureAwait(false);
        if (now.Has(MonitorParts.PollingInterval) && now.PollingIntervalSeconds == SecondsOfDay && !IsRunning)
            await SetPeriodAsync(balloon, 0, isMeant, timeout).ConfigureAwait(false);
    }

    /// <exception cref="LibvirtException">The monitor did not answer the change, or refused it.</exception>
    public async Task<RefreshOutcome> RunAsync(Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Task<RefreshOutcome> running;
        lock (_gate)
        {
            if (_running is null or { IsCompleted: true })
            {
                if (monitor.IsYielding)
                    throw QmpErrors.Busy(monitor.Path, "its owner, which has come back");

                // After a monitor made way for its owner it may be used again.
                if (_giveUp is LibvirtException)
                    (_giveUp, _end) = (null, new CancellationTokenSource());
                _isChanging = false;
                _running = RefreshAsync(isMeant, timeout, _end.Token);
            }

            running = _running;
        }

        try
        {
            return await running.WaitAsync(timeout + SettingBack, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return _isChanging ? throw QmpErrors.WriteTimeout(monitor.Path, "qom-set", timeout) : RefreshOutcome.Unanswered;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw _giveUp ?? new ObjectDisposedException(nameof(Connection));
        }
    }

    /// <summary>Gives up waiting for the guest, and returns when the period is as it was.</summary>
    public async ValueTask DisposeAsync() => await GiveUpAsync(new ObjectDisposedException(nameof(Connection))).ConfigureAwait(false);

    /// <summary>The same, for whoever waits to be told why; another refresh may follow.</summary>
    public async Task GiveUpAsync(Exception why)
    {
        Task? running;
        CancellationTokenSource end;
        lock (_gate)
        {
            running = _running;
            end = _end;
            _giveUp = why;
        }

        await end.CancelAsync().ConfigureAwait(false);
        if (running is not null)
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<RefreshOutcome> RefreshAsync(Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken end)
    {
        // The caller holds the lock until this yields.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        long since = time.GetTimestamp();
        if (await LookAsync(isMeant, timeout, end).ConfigureAwait(false) is not { } before || monitor.Balloon is not { } balloon)
            return RefreshOutcome.NotAsked;

        int period = (int)Math.Min(Period(before.PollingIntervalSeconds), int.MaxValue);
        try
        {
            await AskGuestAsync(balloon, period, before.PollingIntervalSeconds != 0, isMeant, timeout, end).ConfigureAwait(false);
            return await AwaitReportAsync(before, balloon, period, since, isMeant, timeout, end).ConfigureAwait(false);
        }
        finally
        {
            await SetBackAsync(balloon, period, isMeant, end.IsCancellationRequested && timeout > LongestWhereGivenUp ? LongestWhereGivenUp : timeout).ConfigureAwait(false);
        }
    }

    /// <summary>How things are; null where asking the guest would be in vain.</summary>
    private async Task<MonitorValues?> LookAsync(Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken end)
    {
        try
        {
            MonitorValues values = await monitor.QueryAsync(
                Report | MonitorParts.Balloon | MonitorParts.PollingInterval | MonitorParts.Status | MonitorParts.VirtioStatus,
                timeout, isMeant, runsInline: false, end).ConfigureAwait(false);
            bool hasDriver = !values.Has(MonitorParts.VirtioStatus) || values.IsDriverBound;
            return values.Has(MonitorParts.GuestStats) && values.Has(MonitorParts.PollingInterval) && values.IsRunning && hasDriver
                ? values
                : null;
        }
        catch (LibvirtException)
        {
            // Who samples next is told why.
            return null;
        }
    }

    /// <summary>Off and on in one write, so that nobody finds it off.</summary>
    private async Task AskGuestAsync(
        BalloonDevice balloon, int period, bool isOn, Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken end)
    {
        byte[] on = QmpCommands.SetPollingInterval(balloon, period == 0 ? SecondsOfDay : period);
        byte[] commands = isOn ? [.. QmpCommands.SetPollingInterval(balloon, 0), .. on] : on;
        _isWhole = false;
        _isChanging = true;
        QmpError? error = await monitor.CallAsync(
            "qom-set", commands, isOn ? 2 : 1, changesSomething: true, QmpReplies.ReadNothing, onRefusal: null, onSent: null, isMeant,
            timeout, end).ConfigureAwait(false);
        _isChanging = false;
        if (error is not null)
        {
            throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu,
                $"unable to make the guest report: {error.Description}");
        }

        _isWhole = true;
    }

    /// <summary>
    /// Waits for a report that is not the one before. Its time has whole seconds, and an idle guest's numbers may be the
    /// same again: then the queue tells that it answered. A QEMU that cannot tell is asked once more in the next second.
    /// </summary>
    private async Task<RefreshOutcome> AwaitReportAsync(
        MonitorValues before, BalloonDevice balloon, int period, long since, Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken end)
    {
        bool isAskedAgain = before.Has(MonitorParts.StatsQueue);
        for (TimeSpan pause = FirstLook; ; pause = pause + pause < LastLook ? pause + pause : LastLook)
        {
            TimeSpan left = timeout - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
                return RefreshOutcome.Unanswered;
            await Task.Delay(pause < left ? pause : left, time, end).ConfigureAwait(false);
            MonitorValues now = await monitor.QueryAsync(Report, timeout, isMeant, runsInline: false, end).ConfigureAwait(false);
            if (HasReported(before, now))
                return RefreshOutcome.Answered;
            if (!isAskedAgain && now.GuestStats.LastUpdate < (ulong)time.GetUtcNow().ToUnixTimeSeconds())
            {
                isAskedAgain = true;
                await AskGuestAsync(balloon, period, isOn: true, isMeant, timeout, end).ConfigureAwait(false);
            }
        }
    }

    private static bool HasReported(in MonitorValues before, in MonitorValues now) =>
        now.Has(MonitorParts.GuestStats)
        && (now.GuestStats.LastUpdate != before.GuestStats.LastUpdate
            || !now.GuestStats.Report.IsSameAs(before.GuestStats.Report)
            || (before.Has(MonitorParts.StatsQueue) && now.Has(MonitorParts.StatsQueue) && now.StatsQueueIndex != before.StatsQueueIndex));

    /// <summary>
    /// Under a deadline of its own, and only where the period is still the one that we set. With a period, off and on
    /// went out together: it is looked at only where that failed in between.
    /// </summary>
    private async Task SetBackAsync(BalloonDevice balloon, int period, Func<long, bool>? isMeant, TimeSpan timeout)
    {
        if (period != 0 && _isWhole)
            return;
        int ours = period == 0 ? SecondsOfDay : 0;
        try
        {
            MonitorValues now = await monitor.QueryAsync(
                MonitorParts.PollingInterval, timeout, isMeant, runsInline: false, CancellationToken.None).ConfigureAwait(false);
            if (now.Has(MonitorParts.PollingInterval) && now.PollingIntervalSeconds == ours)
                await SetPeriodAsync(balloon, period, isMeant, timeout).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (_isWhole)
        {
            throw LibvirtError.Report(e.Code, e.Origin,
                $"after a refresh the collection period may still be {ours} seconds instead of {period}, set it with dommemstat --period: {e.Str2 ?? e.Message}", e);
        }
        catch (LibvirtException)
        {
            // The change itself failed, and that error says what may still take effect.
        }
    }

    private async Task SetPeriodAsync(BalloonDevice balloon, int seconds, Func<long, bool>? isMeant, TimeSpan timeout)
    {
        QmpError? error = await monitor.ChangeAsync(
            "qom-set", QmpCommands.SetPollingInterval(balloon, seconds), isMeant, timeout, CancellationToken.None).ConfigureAwait(false);
        if (error is not null)
            throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu, error.Description);
    }
}
