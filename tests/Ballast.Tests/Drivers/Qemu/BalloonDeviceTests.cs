using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Wherever the balloon is, and whenever it comes and goes.</summary>
public sealed class BalloonDeviceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/machine/peripheral/balloon0", "child<virtio-balloon-pci>")]
    [InlineData("/machine/peripheral/balloon0", "child<virtio-balloon-pci-transitional>")]
    [InlineData("/machine/peripheral/balloon0", "child<virtio-balloon-pci-non-transitional>")]
    [InlineData("/machine/peripheral/b", "child<virtio-balloon-ccw>")]
    [InlineData("/machine/peripheral/b", "child<virtio-balloon-device>")]
    [InlineData("/machine/peripheral-anon/device[3]", "child<virtio-balloon-pci>")]
    [InlineData("/machine/peripheral-anon/device[0]", "child<virtio-balloon-device>")]
    [InlineData("/machine/peripheral/quote\"and\\slash", "child<virtio-balloon-pci>")]
    [InlineData("/machine/peripheral/bällöön ☂ 🎈", "child<virtio-balloon-pci>")]
    public async Task A_balloon_is_found_wherever_it_is(string path, string type)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: 1);
        fake.Guest.Balloon = path;
        fake.Guest.BalloonType = type;
        fake.Guest.IsDriverBound = false;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(12, (await session.StatsAsync()).Length);
        await session.SetPeriodAsync(9);
        Assert.Equal(9, fake.Guest.Interval);
        // Known from the virtio device, which for a proxied balloon has a path of its own.
        Assert.Equal(MemoryStatsReason.DriverNotLoaded, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task A_guest_without_a_balloon_has_no_numbers_and_is_asked_no_more_than_that()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Balloon = null;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int commands = fake.Commands.Count;

        Assert.Empty(await session.StatsAsync());

        Assert.Equal(["query-balloon"], fake.Commands.Skip(commands).Select(command => command.Key));
        MemoryStats sample = await session.SampleAsync();
        Assert.Equal(MemoryStatsReason.NoBalloonDevice, sample.Reason);
        Assert.Equal("No balloon device has been activated", sample.Detail);
        DomainInfo info = await session.Domain.GetInfoAsync(Token);
        Assert.Equal((4096ul * 1024, 4096ul * 1024), (info.MaxMemoryKiB, info.MemoryKiB));
    }

    [Fact]
    public async Task A_QEMU_whose_machine_is_not_complete_is_not_said_to_lack_a_balloon()
    {
        const string refusal = "The command 'query-balloon' is permitted only after machine initialization has completed";
        await using FakeQmp fake = FakeQmp.Start();
        string? balloon = fake.Guest.Balloon;
        (fake.Guest.Balloon, fake.Guest.Status) = (null, "prelaunch");
        fake.On("query-balloon", FakeQmp.Error("GenericError", refusal));
        await using FakeSession session = await FakeSession.AtAsync(fake);
        MemoryStats sample = await session.SampleAsync();
        Assert.Equal((MemoryStatsReason.Paused, refusal), (sample.Reason, sample.Detail));

        (fake.Guest.Balloon, fake.Guest.Status) = (balloon, "running");
        fake.Guest.Reporting();
        fake.Forget("query-balloon");
        Assert.Equal(12, (await session.StatsAsync()).Length);
    }

    [Theory]
    [InlineData("/machine/peripheral/late")]
    [InlineData("/machine/peripheral-anon/device[7]")]
    public async Task A_balloon_that_is_plugged_later_is_found(string path)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Balloon = null;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        Assert.Empty(await session.StatsAsync());

        fake.Guest.Reporting().Balloon = path;

        Assert.Equal(12, (await session.StatsAsync()).Length);
        int lists = fake.CountOf(FakeGuest.Peripheral);
        Assert.Equal(12, (await session.StatsAsync()).Length);
        Assert.Equal(lists, fake.CountOf(FakeGuest.Peripheral));
    }

    [Fact]
    public async Task Every_kind_of_call_finds_a_balloon_that_was_plugged_later()
    {
        foreach (Func<FakeSession, Task> call in (Func<FakeSession, Task>[])
            [
                async session => Assert.Equal(12, (await session.SampleAsync()).Entries.Count),
                async session => Assert.Equal(5, await session.Domain.GetPeriodAsync(Token)),
                session => session.SetPeriodAsync(4),
                async session => Assert.Equal(
                    13, Assert.Single(await session.Connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token)).Parameters.Count),
            ])
        {
            await using FakeQmp fake = FakeQmp.Start();
            fake.Guest.Balloon = null;
            await using FakeSession session = await FakeSession.AtAsync(fake);
            fake.Guest.Reporting().Balloon = "/machine/peripheral/late";
            await call(session);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_balloon_that_is_unplugged_is_gone_and_another_one_is_found_under_its_own_name(bool isToldByAnEvent)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        Assert.Equal(12, (await session.StatsAsync()).Length);

        fake.Guest.Balloon = null;
        if (isToldByAnEvent)
        {
            await fake.SendAsync(FakeQmp.Event("DEVICE_DELETED", """{"device": "balloon0", "path": "/machine/peripheral/balloon0"}"""));
            await Waiting.UntilAsync("loss of the balloon", () => session.Monitor.Balloon is null);
        }

        Assert.Empty(await session.StatsAsync());
        Assert.Equal(MemoryStatsReason.NoBalloonDevice, (await session.SampleAsync()).Reason);
        Assert.Equal(4096ul * 1024, (await session.Domain.GetInfoAsync(Token)).MemoryKiB);

        fake.Guest.Balloon = "/machine/peripheral/other";
        Assert.Equal(12, (await session.StatsAsync()).Length);
        Assert.Equal(MemoryStatsReason.Stale, (await session.SampleAsync()).Reason);
        Assert.Equal(2048ul * 1024, (await session.Domain.GetInfoAsync(Token)).MemoryKiB);
    }

    [Fact]
    public async Task A_balloon_that_changed_its_place_between_two_calls_is_found_at_once()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        foreach (string path in (string[])["/machine/peripheral/b", "/machine/peripheral-anon/device[1]", "/machine/peripheral/balloon0"])
        {
            fake.Guest.Balloon = path;
            Assert.Equal(12, (await session.StatsAsync()).Length);
            fake.Guest.Balloon = path + "x";
            Assert.Equal(13, Assert.Single(
                await session.Connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token)).Parameters.Count);
        }
    }

    [Fact]
    public async Task Another_device_that_is_unplugged_does_not_matter()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int lists = fake.CountOf(FakeGuest.Peripheral);
        await fake.SendAsync(FakeQmp.Event("DEVICE_DELETED", """{"device": "net0", "path": "/machine/peripheral/net0"}"""));
        await fake.SendAsync(FakeQmp.Event("DEVICE_DELETED", """{"path": "/machine/peripheral/balloon0/virtio-backend"}"""));
        await fake.SendAsync(FakeQmp.Event("DEVICE_DELETED", "{}"));
        await session.SettleAsync(fake);

        Assert.Equal(2, (await session.StatsAsync()).Length);
        Assert.Equal(lists, fake.CountOf(FakeGuest.Peripheral));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""[{"name": "b"}, {"type": "child<virtio-balloon-pci>"}, {}, {"name": 5, "type": "child<virtio-balloon-pci>"}]""")]
    [InlineData("""[{"name": "", "type": "child<virtio-balloon-pci>"}]""")]
    [InlineData("""[{"name": "b", "type": "link<virtio-balloon-pci>"}, {"name": "c", "type": "child<virtio-balloon"}]""")]
    [InlineData("""[5, {"name": "b", "type": "child<virtio-balloon-pci>"}]""")]
    public async Task What_is_no_balloon_is_not_taken_for_one(string children)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On(FakeGuest.Peripheral, FakeQmp.Return(children));
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal([new(MemoryStatTag.ActualBalloon, 2048 * 1024)], await session.StatsAsync());
        Assert.Equal(0, fake.CountOf("guest-stats"));
    }

    [Fact]
    public async Task A_device_with_a_name_beyond_all_measure_harms_nobody()
    {
        await using FakeQmp fake = FakeQmp.Start();
        // Cut in the middle of a character it would be no text any more.
        fake.Guest.Balloon = $"{FakeGuest.Peripheral}/{new string('x', 4095)}🎈{new string('y', 50_000)}";
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal([new(MemoryStatTag.ActualBalloon, 2048 * 1024)], await session.StatsAsync());
        Assert.Equal(1, fake.Clients);
    }
}
