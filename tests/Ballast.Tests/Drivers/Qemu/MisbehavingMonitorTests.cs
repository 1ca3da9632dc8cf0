using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A monitor that misbehaves again and again is left alone for longer each time; callers are told why, at once.</summary>
public sealed class MisbehavingMonitorTests
{
    private static readonly int[] Pauses = [0, 0, 1, 2, 4, 8, 16, 32, 60, 60];

    [Theory]
    [InlineData("garbage")]
    [InlineData("an answer of another shape")]
    [InlineData("a flood")]
    [InlineData("another greeting")]
    [InlineData("garbage instead of its first answer")]
    public async Task Each_time_it_is_left_alone_for_longer(string how)
    {
        FakeTimeProvider time = new();
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        Spoil(fake, how);

        foreach (int pause in Pauses)
        {
            int before = fake.Clients;
            if (pause > 0)
            {
                time.Advance(TimeSpan.FromSeconds(pause) - TimeSpan.FromMilliseconds(1));
                LibvirtException early = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);
                Assert.Contains("so Ballast does not connect again for 1 s", early.Message, StringComparison.Ordinal);
                Assert.Equal(before, fake.Clients);
                time.Advance(TimeSpan.FromMilliseconds(1));
            }

            LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);
            Assert.DoesNotContain("does not connect again for", error.Message, StringComparison.Ordinal);
            await EndAsync(session, fake);
        }

        time.Advance(TimeSpan.FromSeconds(60));
        Mend(fake);
        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task Meanwhile_a_sample_tells_what_is_wrong()
    {
        FakeTimeProvider time = new();
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        Spoil(fake, "garbage");
        await FailAsync(session, fake, 2);

        MemoryStats sample = Assert.Single(await session.Connection.GetAllMemoryStatsAsync(cancellationToken: TestContext.Current.CancellationToken)).Stats;

        Assert.Equal(MemoryStatsReason.ConnectionLost, sample.Reason);
        Assert.Contains("not JSON", sample.Detail, StringComparison.Ordinal);
        Assert.Contains("does not connect again for", sample.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_minute_without_trouble_is_forgiveness()
    {
        FakeTimeProvider time = new();
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        Spoil(fake, "garbage");
        await FailAsync(session, fake, 2);
        time.Advance(TimeSpan.FromSeconds(1));
        Mend(fake);
        Assert.Equal(2, (await session.StatsAsync()).Length);
        time.Advance(TimeSpan.FromSeconds(60));
        Spoil(fake, "garbage");

        await FailAsync(session, fake, 1);

        Mend(fake);
        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task A_moment_without_trouble_is_not()
    {
        FakeTimeProvider time = new();
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        Spoil(fake, "garbage");
        await FailAsync(session, fake, 2);
        time.Advance(TimeSpan.FromSeconds(1));
        Mend(fake);
        Assert.Equal(2, (await session.StatsAsync()).Length);
        Spoil(fake, "garbage");

        await FailAsync(session, fake, 1);

        LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);
        Assert.Contains("so Ballast does not connect again for 2 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_connection_is_no_misbehaviour()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, new FakeTimeProvider());

        for (int i = 0; i < 5; i++)
        {
            await session.LoseAsync(fake);
            Assert.Equal(2, (await session.StatsAsync()).Length);
        }
    }

    [Fact]
    public async Task Another_socket_at_its_path_starts_with_a_clean_slate()
    {
        FakeTimeProvider time = new();
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        Spoil(fake, "garbage");
        await FailAsync(session, fake, 3, advance: time);
        fake.StopListening();
        await using FakeQmp next = FakeQmp.Start(path: fake.Path);
        next.Guest.Uuid = fake.Guest.Uuid;

        Domain domain = Assert.Single(await session.Connection.ListDomainsAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.NotEmpty((await domain.GetMemoryStatsAsync(cancellationToken: TestContext.Current.CancellationToken).In()).Entries);
        Assert.Equal(1, next.Clients);
    }

    private static async Task FailAsync(FakeSession session, FakeQmp fake, int times, FakeTimeProvider? advance = null)
    {
        for (int i = 0; i < times; i++)
        {
            advance?.Advance(TimeSpan.FromSeconds(Pauses[i]));
            LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);
            Assert.DoesNotContain("does not connect again for", error.Message, StringComparison.Ordinal);
            await EndAsync(session, fake);
        }
    }

    // On both sides: a monitor that still has its last client is held, and the clock of whoever waits for that stands still.
    private static async Task EndAsync(FakeSession session, FakeQmp fake)
    {
        await Waiting.UntilAsync("end", () => !session.Monitor.IsConnected);
        await fake.DisconnectedAsync();
    }

    private static void Spoil(FakeQmp fake, string how)
    {
        switch (how)
        {
            case "garbage":
                fake.On("guest-stats", Sends(fake, "\0 hello"));
                break;
            case "an answer of another shape":
                fake.On("guest-stats", FakeQmp.Return("[]"));
                break;
            case "a flood":
                fake.On("guest-stats", Sends(fake, new string(' ', 5_000_000)));
                break;
            case "another greeting":
                fake.GreetingText = "SSH-2.0-OpenSSH_9.2";
                fake.On("guest-stats", Sends(fake, "}"));
                break;
            default:
                fake.On("qmp_capabilities", Sends(fake, "}"));
                fake.On("guest-stats", Sends(fake, "}"));
                break;
        }
    }

    private static void Mend(FakeQmp fake)
    {
        fake.GreetingText = FakeQmp.Greeting;
        fake.Forget("guest-stats");
        fake.Forget("qmp_capabilities");
    }

    private static Func<FakeCommand, Task<string?>> Sends(FakeQmp fake, string text) => async _ =>
    {
        await fake.SendRawAsync(text);
        return FakeQmp.Nothing;
    };
}
