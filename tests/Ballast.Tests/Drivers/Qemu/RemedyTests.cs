using System.Text.RegularExpressions;
using Ballast.Tests.Cli;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>
/// Each remedy is carried out, and the reason is gone. Commands are taken out of the text and run as they stand there. What
/// needs a host of its own (other users, sockets that moved, managers) is in Integration/Identity.
/// </summary>
public sealed partial class RemedyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly MemoryStatsReason[] Elsewhere =
    [
        // OtherUsersTests, MovedSocketTests, DaemonizedTests, OtherMonitorsTests.
        MemoryStatsReason.PermissionDenied, MemoryStatsReason.NotTrusted, MemoryStatsReason.SocketNotFound, MemoryStatsReason.NoMonitor,

        // RemoteComparisonTests: the same guest through libvirtd and through ballastd.
        MemoryStatsReason.UnsupportedByDaemon,

        // SampleReasonTests: only of the host's numbers, where the monitor is answered by no process that is seen.
        MemoryStatsReason.ProcessNotFound,
    ];

    private static readonly Dictionary<MemoryStatsReason, Func<FakeQmp, Task<Func<Task>>>> Cases = new()
    {
        [MemoryStatsReason.PollingOff] = fake =>
        {
            fake.Guest.Interval = 0;
            fake.Guest.Asked = () => Report(fake);
            return Task.FromResult(() => RunTheCommandAsync(fake, MemoryStatsReason.PollingOff));
        },
        [MemoryStatsReason.Stale] = fake =>
        {
            Report(fake, -100);
            fake.Guest.Asked = () => Report(fake);
            return Task.FromResult(() => RunTheCommandAsync(fake, MemoryStatsReason.Stale));
        },
        [MemoryStatsReason.Inconsistent] = fake =>
        {
            Report(fake, 3600);
            fake.Guest.Asked = () => Report(fake);
            return Task.FromResult(() => RunTheCommandAsync(fake, MemoryStatsReason.Inconsistent));
        },
        [MemoryStatsReason.Paused] = fake => Later(fake, () => fake.Guest.Status = "paused", () => fake.Guest.Status = "running"),
        [MemoryStatsReason.NeverReported] = fake => Later(fake, () => fake.Guest.LastUpdate = "0", () => Report(fake), clears: true),
        [MemoryStatsReason.DriverNotLoaded] = fake => Later(fake, () => fake.Guest.IsDriverBound = false, () => fake.Guest.IsDriverBound = true),
        [MemoryStatsReason.DriverWithoutService] = fake => Later(fake, () => { }, () => Report(fake), clears: true),
        [MemoryStatsReason.RejectedValue] = fake => Later(
            fake, () => fake.Guest.Stats["stat-free-memory"] = "18446744073709547520", () => Report(fake), clears: true),
        [MemoryStatsReason.NoBalloonDevice] = fake =>
        {
            string? balloon = fake.Guest.Balloon;
            return Later(fake, () => fake.Guest.Balloon = null, () => fake.Guest.Balloon = balloon);
        },
        [MemoryStatsReason.ConnectionLost] = fake => Later(fake, () => { }, () => { }),
        [MemoryStatsReason.MonitorHung] = fake =>
        {
            TaskCompletionSource release = fake.Hold("guest-stats");
            return Task.FromResult<Func<Task>>(() =>
            {
                release.SetResult();
                fake.Forget("guest-stats");
                return Task.CompletedTask;
            });
        },
        [MemoryStatsReason.MonitorBusy] = async fake =>
        {
            System.Net.Sockets.Socket other = new(
                System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
            await other.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(fake.Path));
            await fake.ConnectedAsync();
            return () =>
            {
                other.Dispose();
                return fake.DisconnectedAsync();
            };
        },
    };

    public static TheoryData<MemoryStatsReason> Reasons => [.. Cases.Keys.Where(reason => reason is not (MemoryStatsReason.MonitorBusy or MemoryStatsReason.ConnectionLost))];

    [Fact]
    public void Every_reason_has_its_case() =>
        Assert.Equal(Enum.GetValues<MemoryStatsReason>().Except([MemoryStatsReason.Fresh]).Order(), Cases.Keys.Concat(Elsewhere).Order());

    [Theory]
    [MemberData(nameof(Reasons))]
    public async Task Done_what_it_says_the_numbers_are_fresh(MemoryStatsReason reason)
    {
        await using FakeQmp fake = FakeQmp.Start();
        Report(fake);
        await using Connection connection = await FakeSession.ConnectAsync(fake, timeout: TimeSpan.FromSeconds(reason == MemoryStatsReason.MonitorHung ? 0.2 : 10));
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
        Func<Task> remedy = await Cases[reason](fake);
        Assert.Equal(reason, (await domain.GetMemoryStatsAsync(cancellationToken: Token).In()).Reason);

        await remedy();

        // A monitor that was silent is asked again from time to time.
        MemoryStatsReason after;
        long since = Environment.TickCount64;
        while ((after = (await domain.GetMemoryStatsAsync(cancellationToken: Token).In()).Reason) != MemoryStatsReason.Fresh
            && Environment.TickCount64 - since < Waiting.Limit.TotalMilliseconds)
        {
            await Task.Delay(10, Token);
        }

        Assert.Equal(MemoryStatsReason.Fresh, after);
    }

    [Fact]
    public async Task A_monitor_that_the_other_program_let_go_can_be_asked()
    {
        await using FakeQmp fake = FakeQmp.Start();
        Report(fake);
        Func<Task> remedy = await Cases[MemoryStatsReason.MonitorBusy](fake);
        Assert.Equal(ErrorCode.ResourceBusy, (await Assert.ThrowsAsync<LibvirtException>(() => FakeSession.ConnectAsync(fake))).Code);

        await remedy();

        await using FakeSession session = await FakeSession.AtAsync(fake);
        Assert.Equal(MemoryStatsReason.Fresh, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task A_call_that_is_repeated_after_a_loss_connects_again()
    {
        await using FakeQmp fake = FakeQmp.Start();
        Report(fake);
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await session.LoseAsync(fake);
        Assert.Equal(MemoryStatsReason.Fresh, (await session.SampleAsync()).Reason);
    }

    private static Task<Func<Task>> Later(FakeQmp fake, Action trouble, Action remedy, bool clears = false)
    {
        if (clears)
            fake.Guest.Stats.Clear();
        trouble();
        return Task.FromResult<Func<Task>>(() =>
        {
            remedy();
            return Task.CompletedTask;
        });
    }

    private static void Report(FakeQmp fake, long ahead = 0) =>
        fake.Guest.Reporting(lastUpdate: DateTimeOffset.UtcNow.ToUnixTimeSeconds() + ahead).StatsQueueIndex++;

    private static async Task RunTheCommandAsync(FakeQmp fake, MemoryStatsReason reason)
    {
        string command = Command().Match(reason.Remedy(fake.Guest.Name!)).Value;
        Assert.NotEmpty(command);
        Outcome outcome = await CliRun.BallastAsync(["-c", fake.Uri, .. command.Split(' ')], open: null);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
    }

    [GeneratedRegex("dommemstat [^ ]+ --[a-z]+( [0-9]+)?")]
    private static partial Regex Command();
}
