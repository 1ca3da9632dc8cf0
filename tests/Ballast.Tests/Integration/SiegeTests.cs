using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Monitors, QEMUs and clients attack together: the short form of the siege that is measured by Ballast.Benchmarks.</summary>
[Trait("needs", "qemu")]
[Trait("speed", "slow")]
public sealed class SiegeTests
{
    private const int Healthy = 4;

    // A machine that builds something beside it is slow too; what does not end at all takes longer.
    private static readonly TimeSpan SiegeTime = TimeSpan.FromSeconds(8), EndTime = TimeSpan.FromSeconds(10), Longest = TimeSpan.FromSeconds(60);

    private static readonly SiegeAttack Attack = new(
        "all together",
        [.. SiegeAttack.Floods.Select(flood => (flood, 1)), ("garbage", 2)],
        [("watches", 150), ("pipelines", 150), ("halves", 150), ("connects", 100)]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Under_siege_a_privileged_client_sees_no_error_the_daemon_ends_when_told_and_nothing_stays_behind()
    {
        using SiegePrograms programs = await SiegePrograms.BuildAsync(withCaller: false, Token);
        await using GuestCrowd crowd = await GuestCrowd.StartAsync(Healthy + 1, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", crowd.DirectoryPath);
        PrivateDirectory.ToEverybody(Path.GetDirectoryName(daemon.SocketPath)!);
        await using Connection connection = await Connection.OpenAsync(daemon.Uri, cancellationToken: Token);
        Domain[] domains = [.. (await connection.ListDomainsAsync(cancellationToken: Token)).Where(domain => domain.Id != crowd.Guests[Healthy].Pid)];
        Assert.Equal(Healthy, domains.Length);
        await CallAsync(connection, domains, TimeSpan.FromSeconds(1));
        (int Descriptors, long Memory) before = Look(daemon.Pid);

        await crowd.Guests[Healthy].Process.StopAsync(Token);
        await using (await Attack.StartAsync(programs, crowd.DirectoryPath, daemon.ReadOnlySocketPath, Longest))
            Assert.InRange(await CallAsync(connection, domains, SiegeTime), 10, int.MaxValue);
        crowd.Guests[Healthy].Process.Continue();

        const int someDescriptors = 8;
        const long noise = 32L << 20;
        (int Descriptors, long Memory) after = default;
        await Deadline.UntilAsync(Deadline.Default, "descriptors and memory as before", _ =>
        {
            after = Look(daemon.Pid);
            return Task.FromResult(after.Descriptors <= before.Descriptors + someDescriptors && after.Memory <= before.Memory + noise);
        }, Token, TimeSpan.FromMilliseconds(200));

        await using (await Attack.StartAsync(programs, crowd.DirectoryPath, daemon.ReadOnlySocketPath, Longest))
        {
            await CallAsync(connection, domains, TimeSpan.FromSeconds(1));
            Assert.Equal(0, await daemon.TerminateAsync(Token).WaitAsync(EndTime, Token));
        }
    }

    /// <summary>Returns how often each was asked; whatever goes wrong is thrown.</summary>
    private static async Task<int> CallAsync(Connection connection, Domain[] domains, TimeSpan time)
    {
        MemoryStat[] stats = new MemoryStat[13];
        long end = Environment.TickCount64 + (long)time.TotalMilliseconds;
        int rounds = 0;
        for (; Environment.TickCount64 < end; rounds++)
        {
            foreach (Domain domain in domains)
                Assert.True(await domain.GetMemoryStatsAsync(stats, cancellationToken: Token) >= 3);
            if (rounds % 20 != 0)
                continue;
            IReadOnlyList<Domain> list = await connection.ListDomainsAsync(cancellationToken: Token);
            Assert.Empty(domains.Select(domain => domain.Uuid).Except(list.Select(domain => domain.Uuid)));
            IReadOnlyList<DomainStatsRecord> bulk = await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token);
            Guid[] told = [.. bulk.Where(one => one.Parameters.Any(parameter => parameter.Field == "balloon.current")).Select(one => one.Domain.Uuid)];
            Assert.Empty(domains.Select(domain => domain.Uuid).Except(told));
        }

        return rounds;
    }

    private static (int Descriptors, long Memory) Look(int pid)
    {
        const int resident = 1;
        return (Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Count(),
            long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[resident], CultureInfo.InvariantCulture) * Environment.SystemPageSize);
    }
}
