using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>
/// A guest writes some of the numbers that QEMU passes on, the balloon's size among them. One that cannot be true costs that number,
/// and nothing else: neither the reply's others, nor the connection.
/// </summary>
public sealed class NumberTests
{
    private static readonly string[] Bad =
        ["-17591917604864", "-1", "-0", "1.5", "1e300", "\"5\"", "null", "true", "18446744073709551616", "9223372036854775808", "[5]", """{"value": 5}"""];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The question, the reply around the number, and what becomes unknown; null: nothing that is shown.
    private static readonly (string Question, string Reply, Func<FakeSession, Task>? IsUnknown)[] Numbers =
    [
        ("query-balloon", """{"actual": #}""", NoActualAsync),
        ("guest-stats", """{"stats": {"stat-free-memory": #, "stat-total-memory": 1048576}, "last-update": 3}""", NoUnusedAsync),
        ("guest-stats", """{"stats": {"stat-total-memory": 1048576}, "last-update": #}""", NoAgeAsync),
        ("query-memory-size-summary", """{"base-memory": #, "plugged-memory": 0}""", null),
        ("query-memory-size-summary", """{"base-memory": 4294967296, "plugged-memory": #}""", null),
        ("query-memory-devices", """[{"type": "dimm", "data": {"size": #}}]""", null),
        ("query-memory-devices", """[{"type": "virtio-mem", "data": {"size": #, "max-size": 1}}]""", null),
        ("query-memory-devices", """[{"type": "virtio-mem", "data": {"size": 1, "max-size": #}}]""", null),
        ("query-cpus-fast", """[{"cpu-index": #, "thread-id": 7}]""", null),
        ("query-cpus-fast", """[{"cpu-index": 0, "thread-id": #}]""", null),
        ("query-hotpluggable-cpus", """[{"vcpus-count": #, "type": "t"}]""", null),
        ("x-query-virtio-queue-status", """{"last-avail-idx": #}""", null),
        ("query-stats", """[{"stats": [{"name": "halt_poll_success_ns", "value": #}, {"name": "halt_poll_fail_ns", "value": 7}]}]""",
            session => NoFieldAsync(session, DomainStatsGroups.CpuTotal, "cpu.haltpoll.success.time")),
        ("query-blockstats", """[{"device": "d", "stats": {"rd_bytes": #, "wr_bytes": 7}}]""",
            session => NoFieldAsync(session, DomainStatsGroups.Block, "block.0.rd.bytes")),
        ("query-block", """[{"device": "d", "inserted": {"file": "f", "drv": "raw", "image": {"virtual-size": #}}}]""",
            session => NoFieldAsync(session, DomainStatsGroups.Block, "block.0.capacity")),
        ("query-iothreads", """[{"id": "iothread1", "poll-max-ns": #, "poll-grow": 1, "poll-shrink": 1}]""",
            session => NoFieldAsync(session, DomainStatsGroups.Iothread, "iothread.1.poll-max-ns")),
        ("query-iothreads", """[{"id": "iothread1", "poll-max-ns": 1, "poll-grow": #, "poll-shrink": 1}]""",
            session => NoFieldAsync(session, DomainStatsGroups.Iothread, "iothread.1.poll-grow")),
        ("query-dirty-rate", """{"status": "measured", "start-time": 1, "calc-time": 1, "dirty-rate": #}""",
            session => NoFieldAsync(session, DomainStatsGroups.DirtyRate, "dirtyrate.megabytes_per_second")),
    ];

    public static TheoryData<int, string> EachNumberAndValue
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int number = 0; number < Numbers.Length; number++)
            {
                foreach (string bad in Bad)
                    data.Add(number, bad);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(EachNumberAndValue))]
    public async Task One_that_cannot_be_true_costs_that_number_only(int number, string bad)
    {
        (string question, string reply, Func<FakeSession, Task>? isUnknown) = Numbers[number];
        await using FakeQmp fake = Start();

        // From the first on: the same is read when a connection begins.
        fake.On(question, FakeQmp.Return(reply.Replace("#", bad, StringComparison.Ordinal)));
        await using FakeSession session = await FakeSession.AtAsync(fake);

        await EverythingElseWorksAsync(fake, session, isKnown: question != "query-memory-size-summary");
        if (isUnknown is not null)
            await isUnknown(session);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("4294967296")]
    [InlineData("1.5")]
    [InlineData("\"5\"")]
    [InlineData("null")]
    public async Task A_period_that_cannot_be_is_unknown(string bad)
    {
        await using FakeQmp fake = Start();
        fake.On("guest-stats-polling-interval", FakeQmp.Return(bad));
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Null((await session.SampleAsync()).Period);
        await EverythingElseWorksAsync(fake, session, isKnown: true);
    }

    [Theory]
    [InlineData("-17591917604864")]
    [InlineData("1.5")]
    [InlineData("\"5\"")]
    [InlineData("18446744073709551616")]
    [InlineData("9223372036854775808")]
    public async Task An_event_with_such_a_size_leaves_the_size_unknown_until_the_next(string bad)
    {
        await using FakeQmp fake = Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        Assert.Equal(2048ul << 20, session.Monitor.ActualBytes);

        await fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", $$"""{"actual": {{bad}}}"""));
        await Waiting.UntilAsync("BALLOON_CHANGE", () => session.Monitor.ActualBytes is null);
        await EverythingElseWorksAsync(fake, session, isKnown: true);

        Assert.Equal(2048ul << 20, session.Monitor.ActualBytes);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("\"5\"")]
    public async Task A_refresh_needs_no_place_in_the_queue(string bad)
    {
        await using FakeQmp fake = Start();
        fake.On("x-query-virtio-queue-status", FakeQmp.Return($$"""{"last-avail-idx": {{bad}}}"""));
        fake.Guest.Reporting();
        fake.Guest.Asked = () => fake.Guest.Report(1_700_000_005, 1 << 20);
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(1024ul, (await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token)).UnusedKiB);
        Assert.Equal(1, fake.Clients);
    }

    private static FakeQmp Start()
    {
        FakeQmp fake = FakeQmp.Start();
        fake.Guest.Dimms.Add(1 << 20);
        fake.Guest.CpuSlots = 4;
        fake.Guest.Blocks = """[{"device": "d", "inserted": {"file": "f", "drv": "raw", "image": {"virtual-size": 5}}}]""";
        fake.Guest.BlockStats = """[{"device": "d", "stats": {"rd_bytes": 5, "wr_bytes": 7}}]""";
        fake.On("stop", FakeQmp.Return("{}"));
        fake.On("query-iothreads", FakeQmp.Return("[]"));
        fake.On("query-dirty-rate", FakeQmp.Return("""{"status": "unstarted", "start-time": 0, "calc-time": 0}"""));
        return fake;
    }

    private static async Task EverythingElseWorksAsync(FakeQmp fake, FakeSession session, bool isKnown)
    {
        Domain domain = session.Domain;
        Assert.NotEmpty(await session.StatsAsync());
        Assert.NotEmpty((await session.SampleAsync()).Entries);
        Assert.Equal(DomainState.Running, (await domain.GetStateAsync(Token)).State);
        if (isKnown)
            Assert.Equal(DomainState.Running, (await domain.GetInfoAsync(Token)).State);
        Assert.NotEmpty(await domain.GetVirtualCpusAsync(Token));
        Assert.NotEmpty((await session.Connection.GetDomainStatsAsync([domain], cancellationToken: Token))[0].Parameters);
        await domain.SuspendAsync(Token);
        await session.SetPeriodAsync(3);
        await session.SetMemoryAsync(1 << 20);
        Assert.Equal(1, fake.Clients);
    }

    private static async Task NoActualAsync(FakeSession session)
    {
        MemoryStats sample = await session.SampleAsync();
        Assert.Null(sample.ActualKiB);
        Assert.Equal(MemoryStatsReason.RejectedValue, sample.WhyMissing(MemoryStatTag.ActualBalloon));
        await NoFieldAsync(session, DomainStatsGroups.Balloon, "balloon.current");
    }

    private static async Task NoUnusedAsync(FakeSession session)
    {
        MemoryStats sample = await session.SampleAsync();
        Assert.Null(sample.UnusedKiB);
        Assert.Equal(1024ul, sample.AvailableKiB);
    }

    private static async Task NoAgeAsync(FakeSession session)
    {
        MemoryStats sample = await session.SampleAsync();
        Assert.Null(sample.Age);
        Assert.Equal(1024ul, sample.AvailableKiB);
    }

    private static async Task NoFieldAsync(FakeSession session, DomainStatsGroups group, string field)
    {
        IReadOnlyList<DomainStatsRecord> records =
            await session.Connection.GetDomainStatsAsync([session.Domain], group, cancellationToken: Token);
        Assert.DoesNotContain(records[0].Parameters, parameter => parameter.Field == field);
    }
}
