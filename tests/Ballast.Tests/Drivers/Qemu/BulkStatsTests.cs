using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class BulkStatsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fields_come_in_libvirts_order_and_spelling()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(count: 16);
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(
            [
                "state.state=1", "state.reason=1", "balloon.current=2097152", "balloon.maximum=4194304", "balloon.swap_in=1024",
                "balloon.swap_out=2048", "balloon.major_fault=3", "balloon.minor_fault=4", "balloon.unused=5120",
                "balloon.available=61440", "balloon.usable=7168", "balloon.last-update=1700000000", "balloon.disk_caches=8192",
                "balloon.hugetlb_pgalloc=9", "balloon.hugetlb_pgfail=10",
            ],
            (await AllAsync(session)).Select(field => field.ToString()));
    }

    [Fact]
    public async Task The_sizes_are_asked_for_every_five_seconds_only()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        string[] all = ["guest-stats", "query-balloon", "query-status", "query-memory-size-summary"], few = ["guest-stats", "query-status"];

        foreach ((double wait, string[] questions) in ((double, string[])[])[(0, all), (0, few), (4.9, few), (0.2, all), (1, few)])
        {
            time.Advance(TimeSpan.FromSeconds(wait));
            int commands = fake.Commands.Count, chunks = fake.Chunks;

            _ = await AllAsync(session);

            Assert.Equal(questions, fake.Commands.Skip(commands).Select(command => command.Key));

            // In one write. The next question may have been begun by then, and the one before may have been read late.
            Assert.InRange(fake.Chunks, chunks + 1, chunks + 3);
        }
    }

    [Fact]
    public async Task The_current_size_follows_events()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        _ = await AllAsync(session);
        fake.Guest.ActualBytes = 1073741825;
        await fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", """{"actual": 1073741825}"""));
        await Waiting.UntilAsync("event", () => session.Monitor.ActualBytes == 1073741825);

        Assert.Contains(await AllAsync(session), field => field.ToString() == "balloon.current=1048577");
        Assert.Equal(1048577ul, (await session.Domain.GetInfoAsync(Token)).MemoryKiB);
    }

    [Theory]
    [InlineData("18446744073709551615")]
    [InlineData("9223372036854775808")]
    public async Task An_event_with_an_impossible_size_is_passed_over(string bytes)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", $$"""{"actual": {{bytes}} }"""));
        await fake.SendAsync(FakeQmp.Event("STOP"));
        await fake.SendAsync(FakeQmp.Event("RESUME"));
        await Waiting.UntilAsync("event", () => session.Monitor.State.Reason == 5);

        Assert.Equal(2048ul * 1024, (await session.Domain.GetInfoAsync(Token)).MemoryKiB);
    }

    [Fact]
    public async Task A_silent_monitor_leaves_out_what_it_would_have_said()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time, TimeSpan.FromSeconds(2));
        _ = await AllAsync(session);
        fake.Hold("guest-stats");
        Task<IReadOnlyList<TypedParameter>> call = AllAsync(session);
        await fake.ReceivedAsync("guest-stats", 2);
        time.Advance(TimeSpan.FromSeconds(2));

        string[] known = ["state.state=0", "state.reason=0", "balloon.current=2097152", "balloon.maximum=4194304"];
        Assert.Equal(known, (await call.In()).Select(field => field.ToString()));
        Assert.Equal(known, (await AllAsync(session)).Select(field => field.ToString()));
    }

    [Fact]
    public async Task A_busy_monitor_is_not_waited_for_by_who_does_not_want_to_wait()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> busy = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");

        Assert.Equal(
            ["state.state=0", "state.reason=0", "balloon.current=2097152"],
            (await AllAsync(session, DomainStatsFlags.NoWait)).Select(field => field.ToString()));

        release.SetResult();
        await busy.In();
        Assert.Equal(5, (await AllAsync(session, DomainStatsFlags.NoWait)).Count);
    }

    [Fact]
    public async Task Groups_nobody_has_are_left_out_unless_they_are_insisted_on()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        const DomainStatsGroups unknown = (DomainStatsGroups)0x100000;

        Assert.Empty(Assert.Single(await session.Connection.GetAllDomainStatsAsync(unknown, cancellationToken: Token)).Parameters);
        LibvirtException error = await session.Connection.GetAllDomainStatsAsync(unknown, DomainStatsFlags.EnforceStats, Token).In()
            .FailsAsync(ErrorCode.ArgumentUnsupported);
        Assert.Equal("argument unsupported: Stats types bits 0x100000 are not supported by this daemon or QEMU", error.Message);
        LibvirtException flags = await session.Connection.GetAllDomainStatsAsync(0, (DomainStatsFlags)0x100000, Token).In()
            .FailsAsync(ErrorCode.InvalidArgument);
        Assert.Equal("unsupported flags (0x100000) in function qemuConnectGetAllDomainStats", flags.Message);
    }

    [Fact]
    public async Task A_domain_that_is_not_there_any_more_is_left_out()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.Guest.Uuid = "6fd2d2d0-0002-4a6c-9a0b-3c1c5f8f4e11";
        await session.LoseAsync(fake);

        Assert.Empty(await session.Connection.GetDomainStatsAsync([session.Domain], cancellationToken: Token));
        Assert.Single(await session.Connection.GetAllDomainStatsAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task The_other_groups_have_libvirts_names_types_and_order()
    {
        await using FakeQmp fake = FakeQmp.Start();
        (fake.Guest.Cpus, fake.Guest.CpuSlots, fake.Guest.Balloon) = (2, 4, null);
        fake.Guest.Blocks =
            """
            [{"device": "", "qdev": "/machine/peripheral/virtio-disk0/virtio-backend", "removable": false,
              "inserted": {"file": "/vm/a.qcow2", "drv": "qcow2", "ro": false, "image": {"virtual-size": 67108864}}},
             {"device": "", "qdev": "/machine/peripheral/sata0-0-0", "removable": true}]
            """;
        fake.Guest.BlockStats =
            """
            [{"device": "", "qdev": "/machine/peripheral/virtio-disk0/virtio-backend", "parent": {"stats": {"wr_highest_offset": 4096}},
              "stats": {"rd_operations": 1, "rd_bytes": 2, "rd_total_time_ns": 3, "wr_operations": 4, "wr_bytes": 5, "wr_total_time_ns": 6,
                        "flush_operations": 7, "flush_total_time_ns": 8}},
             {"device": "", "qdev": "/machine/peripheral/sata0-0-0", "stats": {"rd_operations": 9, "rd_bytes": -1}},
             {"device": "", "stats": {"rd_operations": 10}}]
            """;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        // CPU times are the host's: of a process that cannot be shown to be the one behind the monitor there are none.
        Assert.Equal(
            [
                "vcpu.current=2 UInt", "vcpu.maximum=4 UInt", "vcpu.0.state=1 Int", "vcpu.1.state=1 Int", "net.count=2 UInt", "block.count=2 UInt",
                "block.0.name=vda String", "block.0.path=/vm/a.qcow2 String", "block.0.rd.reqs=1 ULLong", "block.0.rd.bytes=2 ULLong",
                "block.0.rd.times=3 ULLong", "block.0.wr.reqs=4 ULLong", "block.0.wr.bytes=5 ULLong", "block.0.wr.times=6 ULLong",
                "block.0.fl.reqs=7 ULLong", "block.0.fl.times=8 ULLong", "block.0.allocation=4096 ULLong", "block.0.capacity=67108864 ULLong",
                "block.1.name=sda String", "block.1.rd.reqs=9 ULLong",
            ],
            (await OthersAsync(session)).Select(field => $"{field} {field.Type}"));
    }

    [Fact]
    public async Task What_a_monitor_refuses_or_falls_silent_about_is_left_out_after_one_deadline()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time, TimeSpan.FromSeconds(2));
        Assert.Equal(
            ["vcpu.current=2", "vcpu.maximum=2", "vcpu.0.state=1", "vcpu.1.state=1", "net.count=2", "block.count=0"],
            (await OthersAsync(session)).Select(field => field.ToString()));

        await using DomainEventSubscription events = await session.Connection.SubscribeAsync(cancellationToken: TestContext.Current.CancellationToken);
        fake.On("query-blockstats", async _ =>
        {
            // Whoever hears this has read what was answered before. Then nothing comes any more.
            await fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", """{"actual": 1048576}"""));
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            return null;
        });
        Task<IReadOnlyList<TypedParameter>> call = OthersAsync(session);
        _ = await HeardEvents.TakeAsync(events, 1, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(
            ["vcpu.current=2", "vcpu.maximum=2", "vcpu.0.state=1", "vcpu.1.state=1", "net.count=2"],
            (await call.In()).Select(field => field.ToString()));
        Assert.Empty(await OthersAsync(session));
    }

    [Fact]
    public async Task A_domain_that_is_named_many_times_is_asked_once_and_told_each_time()
    {
        const int times = 500;
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        _ = await AllAsync(session);
        int commands = fake.Commands.Count;
        Domain[] named = [.. Enumerable.Repeat(session.Domain, times)];

        IReadOnlyList<DomainStatsRecord> records = await session.Connection.GetDomainStatsAsync(
            named, DomainStatsGroups.State | DomainStatsGroups.Vcpu | DomainStatsGroups.Block, cancellationToken: Token);
        IReadOnlyList<DomainMemorySample> samples = await session.Connection.GetMemoryStatsAsync(named, cancellationToken: Token);

        Assert.Equal((times, times), (records.Count, samples.Count));
        Assert.All(records, record => Assert.Same(records[0].Parameters, record.Parameters));
        Assert.InRange(fake.Commands.Count - commands, 1, 20);
    }

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    [InlineData(300_000, false)]
    public async Task More_processors_and_threads_than_QEMU_can_have_are_not_believed(int count, bool isBelieved)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        string list = $"[{string.Join(',', Enumerable.Repeat("{}", count))}]";
        fake.On("query-cpus-fast", FakeQmp.Return(list));

        IReadOnlyList<TypedParameter> fields = Assert.Single(await session.Connection.GetAllDomainStatsAsync(
            DomainStatsGroups.State | DomainStatsGroups.Vcpu, cancellationToken: Token).In()).Parameters;

        Assert.Equal(isBelieved, fields.Any(field => field.ToString() == $"vcpu.current={count}"));
        Assert.Equal(isBelieved ? 4 + count : 2, fields.Count);
    }

    private static async Task<IReadOnlyList<TypedParameter>> OthersAsync(FakeSession session) =>
        Assert.Single(await session.Connection.GetAllDomainStatsAsync(
            DomainStatsGroups.CpuTotal | DomainStatsGroups.Vcpu | DomainStatsGroups.Interface | DomainStatsGroups.Block,
            cancellationToken: CancellationToken.None).In()).Parameters;

    private static async Task<IReadOnlyList<TypedParameter>> AllAsync(FakeSession session, DomainStatsFlags flags = DomainStatsFlags.None) =>
        Assert.Single(await session.Connection.GetAllDomainStatsAsync(
            DomainStatsGroups.State | DomainStatsGroups.Balloon, flags, CancellationToken.None).In()).Parameters;
}
