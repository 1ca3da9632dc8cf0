using Ballast.Drivers;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers;

/// <summary>A collection period set where there is none, kept, and given back.</summary>
public sealed class PeriodLeaseTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<(FakeQmp Fake, FakeSession Session)> GuestAsync(long interval)
    {
        FakeQmp fake = FakeQmp.Start();
        fake.Guest.Interval = interval;
        return (fake, await FakeSession.AtAsync(fake));
    }

    [Fact]
    public async Task It_is_set_where_there_is_none_and_given_back()
    {
        (FakeQmp fake, FakeSession session) = await GuestAsync(0);
        await using (fake)
        await using (session)
        {
            MemoryStatsPeriodLease lease = await session.Domain.EnsurePeriodAsync(2, Token);
            Assert.Equal((2, true), (fake.Guest.Interval, lease.IsOurs));
            await lease.DisposeAsync();
            await lease.DisposeAsync();
            Assert.Equal(0, fake.Guest.Interval);
        }
    }

    [Fact]
    public async Task Somebody_elses_period_is_left_alone()
    {
        (FakeQmp fake, FakeSession session) = await GuestAsync(10);
        await using (fake)
        await using (session)
        {
            await using (MemoryStatsPeriodLease lease = await session.Domain.EnsurePeriodAsync(2, Token))
                Assert.Equal((10, false), (fake.Guest.Interval, lease.IsOurs));
            Assert.Equal(0, fake.CountOf("set guest-stats-polling-interval"));
        }
    }

    [Fact]
    public async Task What_somebody_else_set_meanwhile_is_not_taken_back()
    {
        (FakeQmp fake, FakeSession session) = await GuestAsync(0);
        await using (fake)
        await using (session)
        {
            await using (await session.Domain.EnsurePeriodAsync(2, Token))
                fake.Guest.Interval = 30;
            Assert.Equal(30, fake.Guest.Interval);
        }
    }

    [Fact]
    public async Task Of_several_leases_the_shortest_counts_and_the_last_gives_back()
    {
        (FakeQmp fake, FakeSession session) = await GuestAsync(0);
        await using (fake)
        await using (session)
        {
            MemoryStatsPeriodLease slow = await session.Domain.EnsurePeriodAsync(10, Token);
            MemoryStatsPeriodLease fast = await session.Domain.EnsurePeriodAsync(2, Token);
            Assert.Equal(2, fake.Guest.Interval);
            await fast.DisposeAsync();
            Assert.Equal(10, fake.Guest.Interval);
            await slow.DisposeAsync();
            Assert.Equal(0, fake.Guest.Interval);
        }
    }

    [Fact]
    public async Task It_is_not_set_again_where_the_same_process_is_only_met_anew()
    {
        (FakeQmp fake, FakeSession session) = await GuestAsync(0);
        await using (fake)
        await using (session)
        {
            await using MemoryStatsPeriodLease lease = await session.Domain.EnsurePeriodAsync(2, Token);
            await FakeSession.OffendAsync(fake);
            await fake.ConnectedAsync(2);
            Assert.Equal(2, fake.Guest.Interval);
            Assert.Equal(1, fake.CountOf("set guest-stats-polling-interval"));
        }
    }

    [Fact]
    public async Task Closing_the_connection_gives_all_back()
    {
        (FakeQmp fake, FakeSession session) = await GuestAsync(0);
        await using (fake)
        {
            MemoryStatsPeriodLease lease = await session.Domain.EnsurePeriodAsync(2, Token);
            await session.DisposeAsync();
            Assert.Equal(0, fake.Guest.Interval);
            await lease.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_refusal_leaves_nothing_behind()
    {
        (FakeQmp fake, FakeSession session) = await GuestAsync(0);
        await using (fake)
        await using (session)
        {
            fake.On("set guest-stats-polling-interval", FakeQmp.Error("GenericError", "no"));
            await session.Domain.EnsurePeriodAsync(2, Token).AsTask().FailsAsync(ErrorCode.OperationInvalid);
            fake.Forget("set guest-stats-polling-interval");
            await using MemoryStatsPeriodLease lease = await session.Domain.EnsurePeriodAsync(7, Token);
            Assert.Equal(7, fake.Guest.Interval);
        }
    }

    [Fact]
    public async Task A_monitor_that_fell_silent_is_not_written_to_when_it_is_given_back()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Interval = 0;
        await using FakeSession session = await FakeSession.AtAsync(fake, timeout: TimeSpan.FromMilliseconds(300));
        MemoryStatsPeriodLease lease = await session.Domain.EnsurePeriodAsync(2, Token);
        TaskCompletionSource release = fake.Hold("guest-stats-polling-interval");
        await lease.DisposeAsync().In();
        Assert.Equal(1, fake.CountOf("set guest-stats-polling-interval"));
        release.SetResult();
    }

    [Fact]
    public async Task A_domain_that_starts_again_and_again_is_tried_by_one_only()
    {
        const int starts = 30;
        FakeTimeProvider time = new();
        RestartingDriver driver = new();
        await using Connection connection = new(driver, "fake:///", new ConnectionOptions { TimeProvider = time });
        await using MemoryStatsPeriodLease lease = await new Domain(connection, driver.Domain).EnsurePeriodAsync(2, Token);
        driver.IsSilent = true;
        int asked = driver.Asked;
        for (int i = 1; i <= starts; i++)
        {
            driver.Start();
            await AskedAsync(asked + i);
        }

        // All that waits for its next try has its turn.
        for (int i = 0; i < 10 && driver.Asked == asked + starts; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(100, Token);
        }

        Assert.InRange(driver.Asked - asked - starts, 1, 3);
        driver.IsSilent = false;

        async Task AskedAsync(int times)
        {
            for (int i = 0; driver.Asked < times; i++)
            {
                Assert.True(i < 1000, $"it was asked {driver.Asked} times, not {times}");
                await Task.Delay(5, Token);
            }
        }
    }

    [Fact]
    public async Task Read_only_and_periods_below_one_are_refused()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await Connection.OpenAsync(fake.Uri, new ConnectionOptions { ReadOnly = true }, Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        await domain.EnsurePeriodAsync(2, Token).AsTask().FailsAsync(ErrorCode.OperationDenied);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await domain.EnsurePeriodAsync(0, Token));
    }

    [Fact]
    public async Task A_simulated_guest_without_polling_reports_while_the_lease_is_held()
    {
        await using Connection connection = await Connection.OpenAsync("test:///fleet?domains=100&seed=77", cancellationToken: Token);
        Domain domain = (await connection.ListDomainsAsync(cancellationToken: Token)).First(found => found.Name.StartsWith("no-polling-", StringComparison.Ordinal));
        Assert.Equal(MemoryStatsReason.PollingOff, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
        await using (await domain.EnsurePeriodAsync(2, Token))
            Assert.Equal(MemoryStatsReason.Fresh, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
        Assert.Equal(0, await domain.GetPeriodAsync(Token));
    }

    /// <summary>One domain, of which new processes come whose monitors do not answer.</summary>
    private sealed class RestartingDriver : IDriver
    {
        private IDriverEventSink? _sink;
        private int _asked;

        public DomainIdentity Domain { get; } = new("vm", Guid.NewGuid(), 1);

        public string Type => "FAKE";

        public bool IsSilent { get; set; }

        public int Asked => Volatile.Read(ref _asked);

        public void Start() => _sink!.Add(DriverEvent.Lifecycle(Domain, DomainLifecycleChange.Started, 0));

        public ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            return IsSilent ? throw LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Qemu, "silent") : new(0);
        }

        public ValueTask SetMemoryStatsPeriodAsync(
            DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken) => default;

        public ValueTask<IAsyncDisposable> SubscribeAsync(
            DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken)
        {
            _sink = sink;
            return new(this);
        }

        public ValueTask DisposeAsync() => default;
    }
}
