using System.Collections.Concurrent;
using Ballast.Drivers;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Tests.Rpc;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers;

/// <summary>Ensured periods where events are missing, lists fail, callers give up, and connections are closed meanwhile.</summary>
public sealed class PeriodLeaseLossTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Over_a_lost_connection_to_a_daemon_it_is_set_again()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Interval = 0;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using ServerFixture server = ServerFixture.Start(session.Connection);
        await using Connection remote = await server.ConnectAsync(new ConnectionOptions { Reconnect = true });
        Domain domain = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        await using MemoryStatsPeriodLease lease = await domain.EnsurePeriodAsync(3, Token);
        for (int i = 0; i < 3; i++)
        {
            // As a process that came while nobody listened has it.
            fake.Guest.Interval = 0;
            server.DropClients();
            await UntilAsync(() => fake.Guest.Interval == 3);
        }

        await UntilAsync(() => lease.IsOurs);
        await lease.DisposeAsync();
        Assert.Equal(0, fake.Guest.Interval);
    }

    [Fact]
    public async Task A_list_that_fails_is_asked_for_again_and_events_are_followed_on()
    {
        FakeTimeProvider time = new();
        LeaseDriver driver = new();
        await using Connection connection = driver.Open(time);
        await using MemoryStatsPeriodLease lease = await new Domain(connection, LeaseDriver.Named(0)).EnsurePeriodAsync(2, Token);
        foreach (ErrorCode code in (ErrorCode[])[ErrorCode.SystemError, ErrorCode.OperationTimeout, ErrorCode.InternalError])
        {
            driver.ListFailure = LibvirtError.Report(code, ErrorOrigin.Rpc, "not now");
            int lists = driver.Lists;
            driver.Periods[0] = 0;
            driver.Sink.Interrupt();
            await UntilAsync(() => driver.Lists > lists);
            Assert.Equal(0, driver.Periods[0]);
            driver.ListFailure = null;
            await UntilAsync(() => driver.Periods[0] == 2, time);
        }

        driver.Periods[0] = 0;
        driver.Start(0);
        await UntilAsync(() => driver.Periods[0] == 2);
    }

    [Fact]
    public async Task A_look_comes_after_events_come_again()
    {
        LeaseDriver driver = new();
        await using Connection connection = driver.Open();
        await using MemoryStatsPeriodLease lease = await new Domain(connection, LeaseDriver.Named(0)).EnsurePeriodAsync(2, Token);
        driver.Sink.Interrupt();
        await UntilAsync(() => driver.Lists == 1);
        driver.Periods[0] = 0;
        driver.Sink.Resume();
        await UntilAsync(() => driver.Periods[0] == 2);
    }

    [Fact]
    public async Task One_that_is_silent_holds_up_no_other()
    {
        LeaseDriver driver = new();
        await using Connection connection = driver.Open();
        for (int i = 0; i < 4; i++)
            await new Domain(connection, LeaseDriver.Named(i)).EnsurePeriodAsync(2, Token);
        driver.Silent[0] = true;
        for (int i = 1; i < 4; i++)
            driver.Periods[i] = 0;
        driver.Sink.Interrupt();
        await UntilAsync(() => Enumerable.Range(1, 3).All(i => driver.Periods[i] == 2));

        // Nor does it keep events from being read.
        driver.Periods[3] = 0;
        driver.Start(3);
        await UntilAsync(() => driver.Periods[3] == 2);
        driver.Silent.Clear();
    }

    [Fact]
    public async Task After_events_ended_for_good_the_next_lease_listens_anew()
    {
        LeaseDriver driver = new();
        await using Connection connection = driver.Open();
        await using MemoryStatsPeriodLease first = await new Domain(connection, LeaseDriver.Named(0)).EnsurePeriodAsync(2, Token);
        IDriverEventSink ended = driver.Sink;
        ended.End(LibvirtError.System(32, ErrorOrigin.Rpc, "lost"));
        await UntilAsync(() => driver.Left == 1);
        await using MemoryStatsPeriodLease second = await new Domain(connection, LeaseDriver.Named(1)).EnsurePeriodAsync(2, Token);
        Assert.NotSame(ended, driver.Sink);
        driver.Periods[0] = 0;
        driver.Start(0);
        await UntilAsync(() => driver.Periods[0] == 2);
    }

    [Fact]
    public async Task Whoever_gives_up_in_the_middle_leaves_no_period_behind()
    {
        LeaseDriver driver = new() { HoldsSet = true };
        await using Connection connection = driver.Open();
        using CancellationTokenSource cancel = new();
        Task<MemoryStatsPeriodLease> asking = new Domain(connection, LeaseDriver.Named(0)).EnsurePeriodAsync(2, cancel.Token).AsTask();
        await UntilAsync(() => driver.Periods.GetValueOrDefault(0) == 2);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.In());
        driver.HoldsSet = false;
        await UntilAsync(() => driver.Periods[0] == 0);
    }

    [Fact]
    public async Task Closing_does_not_wait_for_who_is_being_served()
    {
        LeaseDriver driver = new() { HoldsSet = true };
        Connection connection = driver.Open();
        Task<MemoryStatsPeriodLease> asking = new Domain(connection, LeaseDriver.Named(0)).EnsurePeriodAsync(2, Token).AsTask();
        await UntilAsync(() => driver.Periods.GetValueOrDefault(0) == 2);
        driver.HoldsSet = false;
        await connection.DisposeAsync().AsTask().In();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => asking.In());
        Assert.Equal((0, true), (driver.Periods[0], driver.IsDisposed));
    }

    [Fact]
    public async Task Closing_beside_everything_else_closes_the_driver_and_gives_all_back()
    {
        const int rounds = 300, domains = 6;
        for (int round = 0; round < rounds; round++)
        {
            LeaseDriver driver = new() { IsSlow = true };
            Connection connection = driver.Open();
            using CancellationTokenSource cancel = new();
            Task[] users = [.. Enumerable.Range(0, 2 * domains).Select(i => Task.Run(() => UseAsync(connection, i % domains, i % 3 == 0, cancel.Token)))];
            Task events = Task.Run(async () =>
            {
                for (int i = 0; i < 20 && !driver.IsDisposed; i++)
                {
                    driver.LastSink?.Interrupt();
                    driver.Start(i % domains);
                    await Task.Yield();
                }
            }, Token);
            for (int i = round % 20; i > 0; i--)
                await Task.Yield();
            if (round % 4 == 0)
                await cancel.CancelAsync();
            await connection.DisposeAsync().AsTask().In();
            Assert.True(driver.IsDisposed);
            await Task.WhenAll([.. users, events]).In();
            Assert.All(driver.Periods.Values, period => Assert.Equal(0, period));
            Assert.Equal(0, driver.UsedAfterwards);
        }

        static async Task UseAsync(Connection connection, int number, bool givesBack, CancellationToken cancellationToken)
        {
            try
            {
                MemoryStatsPeriodLease lease = await new Domain(connection, LeaseDriver.Named(number)).EnsurePeriodAsync(2 + number, cancellationToken);
                if (givesBack)
                    await lease.DisposeAsync();
            }
            catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
            {
                // It came too late, or was cancelled.
            }
        }
    }

    private static async Task UntilAsync(Func<bool> isSo, FakeTimeProvider? time = null)
    {
        for (int i = 0; !isSo(); i++)
        {
            Assert.True(i < 1500, "it never comes to that");
            time?.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(10, Token);
        }
    }

    /// <summary>Domains with a period each, by number.</summary>
    private sealed class LeaseDriver : IDriver
    {
        private int _lists, _left, _usedAfterwards;

        public ConcurrentDictionary<int, int> Periods { get; } = [];

        public ConcurrentDictionary<int, bool> Silent { get; } = [];

        public LibvirtException? ListFailure { get; set; }

        /// <summary>A period is set at once, and the answer does not come.</summary>
        public volatile bool HoldsSet;

        /// <summary>Every answer takes a moment.</summary>
        public bool IsSlow { get; init; }

        public bool IsDisposed { get; private set; }

        public int Lists => Volatile.Read(ref _lists);

        /// <summary>Subscriptions that left.</summary>
        public int Left => Volatile.Read(ref _left);

        public int UsedAfterwards => Volatile.Read(ref _usedAfterwards);

        public IDriverEventSink? LastSink { get; private set; }

        public IDriverEventSink Sink => LastSink!;

        public string Type => "FAKE";

        public static DomainIdentity Named(int number) => new($"vm{number}", new Guid(number, 1, 1, new byte[8]), number + 1);

        public Connection Open(TimeProvider? time = null) => new(this, "fake:///", new ConnectionOptions { TimeProvider = time ?? TimeProvider.System });

        public void Start(int number) => LastSink?.Add(DriverEvent.Lifecycle(Named(number), DomainLifecycleChange.Started, 0));

        public async ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _lists);
            await AnswerAsync(cancellationToken);
            return ListFailure is { } failure ? throw failure : [.. Periods.Keys.Select(Named)];
        }

        public async ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken)
        {
            await AnswerAsync(cancellationToken);
            return Silent.ContainsKey(Number(domain))
                ? throw LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Qemu, "silent")
                : Periods.GetValueOrDefault(Number(domain));
        }

        public async ValueTask SetMemoryStatsPeriodAsync(
            DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Periods[Number(domain)] = seconds;
            if (HoldsSet)
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            await AnswerAsync(cancellationToken);
        }

        public async ValueTask<IAsyncDisposable> SubscribeAsync(
            DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken)
        {
            await AnswerAsync(cancellationToken);
            LastSink = sink;
            return new Registration(this);
        }

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return default;
        }

        private static int Number(DomainIdentity domain) => domain.Id!.Value - 1;

        private async ValueTask AnswerAsync(CancellationToken cancellationToken)
        {
            if (IsDisposed)
                Interlocked.Increment(ref _usedAfterwards);
            if (IsSlow)
                await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
        }

        private sealed class Registration(LeaseDriver driver) : IAsyncDisposable
        {
            public ValueTask DisposeAsync()
            {
                Interlocked.Increment(ref driver._left);
                return default;
            }
        }
    }
}
