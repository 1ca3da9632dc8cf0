using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Telemetry;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Tests.Performance;
using Ballast.Tests.Rpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Telemetry;

/// <summary>Who listens to the library is called in the middle of its work, with locks held: what he throws, or how long he takes, is his alone.</summary>
[Collection(AlonePerProcess.Name)]
public sealed class RudeListenerTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_listener_to_metrics_that_throws_takes_no_answer_and_no_timeout_from_anybody()
    {
        using MeterListener listener = ThrowingMeterListener();
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time, Timeout);
        Assert.NotEmpty(await session.StatsAsync());

        // On the timer's thread.
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> first = session.StatsAsync(), second = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats", 2);
        time.Advance(Timeout);
        await first.FailsAsync(ErrorCode.OperationTimeout);
        await second.FailsAsync(ErrorCode.OperationTimeout);
        release.SetResult();
        await Waiting.UntilAsync("an answer", () => !session.Monitor.IsSilent(TimeSpan.Zero));
        Assert.NotEmpty(await session.StatsAsync());

        // Where the connection ends.
        _ = fake.Hold("guest-stats");
        int asked = fake.CountOf("guest-stats");
        Task<MemoryStat[]> last = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats", asked + 1);
        fake.Disconnect();
        await last.FailsAsync(ErrorCode.SystemError);
    }

    [Fact]
    public async Task A_listener_to_metrics_that_throws_disturbs_no_server()
    {
        using MeterListener listener = ThrowingMeterListener();
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        await using Connection remote = await server.ConnectAsync();
        Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task A_listener_to_activities_that_throws_fails_no_call()
    {
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == "Ballast",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = _ => throw new InvalidOperationException("a listener's own trouble"),
        };
        using ActivityListener worse = new()
        {
            ShouldListenTo = source => source.Name == "Ballast",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = _ => throw new InvalidOperationException("a listener's own trouble"),
        };
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        ActivitySource.AddActivityListener(listener);
        Assert.NotEmpty(await session.StatsAsync());
        ActivitySource.AddActivityListener(worse);
        Assert.NotEmpty(await session.StatsAsync());
    }

    [Fact]
    public async Task Code_that_goes_on_upon_our_thread_and_throws_keeps_no_answer_from_others()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        QmpMonitor monitor = session.Monitor;
        TaskCompletionSource release = fake.Hold("guest-stats");
        int asked = fake.CountOf("guest-stats");
        ValueTask<MonitorValues> before = monitor.QueryAsync(MonitorParts.GuestStats, Timeout, Token);
        await fake.ReceivedAsync("guest-stats", asked + 1);
#pragma warning disable CA2012 // Not awaited, but told by itself.
        ValueTask<MonitorValues> rude = monitor.QueryAsync(MonitorParts.GuestStats, Timeout, isMeant: null, runsInline: true, Token);
        ValueTask<MonitorValues> other = monitor.QueryAsync(MonitorParts.GuestStats, Timeout, isMeant: null, runsInline: true, Token);
        rude.GetAwaiter().UnsafeOnCompleted(() => throw new InvalidOperationException("a caller's own trouble"));
#pragma warning restore CA2012
        release.SetResult();
        Assert.True((await before.AsTask().In()).Has(MonitorParts.GuestStats));
        Assert.True((await other.AsTask().In()).Has(MonitorParts.GuestStats));
        Assert.True(monitor.IsConnected);
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task A_logger_that_hangs_keeps_so_many_lines_and_is_told_how_many_are_missing()
    {
        using ManualResetEventSlim hanging = new(false);
        using HeardLog heard = new() { OnLine = hanging.Wait };
        ConnectionLog log = ConnectionLog.Of(new ConnectionOptions { LoggerFactory = heard });
        const int lines = 10_000;
        for (int i = 0; i < lines; i++)
            log.DaemonReconnected("one");
        hanging.Set();
        _ = await heard.HearAsync(132);

        // Told twice where the first line was taken when some were missing already.
        await Waiting.UntilAsync("all lines", () => heard.Count(121) + Missing() == lines);
        Assert.InRange(heard.Count(121), 4096, 4098);
        Assert.Equal(LogLevel.Warning, heard.Lines.First(line => line.Event == 132).Level);

        int Missing() => heard.Lines.Where(line => line.Event == 132).Sum(line => int.Parse(line.Text.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_logger_that_hangs_when_it_is_asked_keeps_its_asker_from_nothing()
    {
        using ManualResetEventSlim hanging = new(false);
        using HeardLog heard = new() { OnAsked = hanging.Wait };
        ConnectionLog log = ConnectionLog.Of(new ConnectionOptions { LoggerFactory = heard });
        Task<bool> asked = log.WantsAsync(LogLevel.Warning);
        Assert.False(asked.IsCompleted);
        hanging.Set();
        Assert.True(await asked.In());
        Assert.False(await ConnectionLog.None.WantsAsync(LogLevel.Warning).In());
    }

    private static MeterListener ThrowingMeterListener()
    {
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(Metrics).TypeHandle);
        MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Ballast")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>(static (_, _, _, _) => throw new InvalidOperationException("a listener's own trouble"));
        listener.SetMeasurementEventCallback<double>(static (_, _, _, _) => throw new InvalidOperationException("a listener's own trouble"));
        listener.Start();
        return listener;
    }
}
