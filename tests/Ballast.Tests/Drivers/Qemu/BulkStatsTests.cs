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
    public async Task The_balloon_itself_is_not_asked()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int commands = fake.Commands.Count, chunks = fake.Chunks;

        _ = await AllAsync(session);

        Assert.Equal(["guest-stats", "query-status", "query-memory-size-summary"], fake.Commands.Skip(commands).Select(command => command.Key));
        Assert.Equal(chunks + 1, fake.Chunks);
    }

    [Fact]
    public async Task The_current_size_follows_events()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
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
        await fake.SendAsync(FakeQmp.Event("RESUME"));
        await Waiting.UntilAsync("event", () => session.Monitor.RunningReason == 5);

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

    private static async Task<IReadOnlyList<TypedParameter>> AllAsync(FakeSession session, DomainStatsFlags flags = DomainStatsFlags.None) =>
        Assert.Single(await session.Connection.GetAllDomainStatsAsync(DomainStatsGroups.All, flags, CancellationToken.None).In()).Parameters;
}
