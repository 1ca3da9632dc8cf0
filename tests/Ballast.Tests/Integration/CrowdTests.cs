using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A hundred guests, one of which does not answer.</summary>
[Trait("needs", "qemu")]
[Trait("speed", "slow")]
[Collection(ExclusiveCollection.Name)]
public sealed class CrowdTests
{
    private const int Count = 100, Stopped = 42;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_stopped_guest_of_a_hundred_costs_nobody_else_anything()
    {
        await using GuestCrowd crowd = await GuestCrowd.StartAsync(Count, Token);
        int socketsBefore = Sockets();
        long timersBefore = Timer.ActiveCount;
        TimeSpan patience = TimeSpan.FromSeconds(20), deadline = TimeSpan.FromSeconds(1);

        await using (Connection patient = await OpenAsync(crowd, patience))
        {
            IReadOnlyList<Domain> domains = await patient.ListDomainsAsync(cancellationToken: Token);
            Assert.Equal(Count, domains.Count);
            Assert.Equal(Count, (await patient.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token)).Count);
            Assert.True(Sockets() >= socketsBefore + Count);
            int stoppedPid = crowd.Guests[Stopped].Pid;
            await crowd.Guests[Stopped].Process.StopAsync(Token);

            // By order: everybody else is done while the stopped one is still awaited.
            Dictionary<int, Task<MemoryStats>> samples = domains.ToDictionary(
                domain => domain.Id!.Value, domain => domain.GetMemoryStatsAsync(cancellationToken: Token).AsTask());
            MemoryStats[] others = await Task.WhenAll(samples.Where(pair => pair.Key != stoppedPid).Select(pair => pair.Value));
            Assert.False(samples[stoppedPid].IsCompleted);
            Assert.All(others, sample => Assert.NotNull(sample.AvailableKiB));

            // The same through watching: rounds go on without it.
            HashSet<int> seen = [];
            await foreach (DomainMemorySample sample in patient.WatchMemoryStatsAsync(TimeSpan.FromSeconds(1), cancellationToken: Token))
            {
                if (seen.Add(sample.Domain.Id!.Value) && seen.Count == Count - 1)
                    break;
            }

            Assert.DoesNotContain(stoppedPid, seen);

            // In bulk it costs its deadline once, and is listed with what is known.
            await using Connection brisk = await OpenAsync(crowd, deadline);
            IReadOnlyList<DomainStatsRecord> all = await brisk.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token);
            Assert.Equal(Count, all.Count);
            Assert.All(all, record => Assert.Equal(
                record.Domain.Id != stoppedPid, record.Parameters.Any(field => field.Field == "balloon.available")));
            Assert.Contains(all.Single(record => record.Domain.Id == stoppedPid).Parameters, field => field.Field == "balloon.maximum");

            // Known to be hung, it is not waited for.
            Domain stopped = await brisk.LookupByIdAsync(stoppedPid, Token);
            MemoryStats hung = await stopped.GetMemoryStatsAsync(cancellationToken: Token);
            Assert.Equal(MemoryStatsReason.MonitorHung, hung.Reason);
            Assert.NotNull(hung.RssKiB);

            crowd.Guests[Stopped].Process.Continue();
            await Deadline.UntilAsync(Deadline.Default, "the stopped guest's answer", async token =>
                (await brisk.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: token))
                    .Single(record => record.Domain.Id == stoppedPid).Parameters.Any(field => field.Field == "balloon.available"), Token);
            Assert.NotNull((await samples[stoppedPid]).AvailableKiB);
        }

        Assert.Equal(socketsBefore, Sockets());

        // A timer that was given up ends in its own time; and whoever waits by a timer would count as one.
        for (int i = 0; i < 500 && Timer.ActiveCount > timersBefore; i++)
            Thread.Sleep(10);
        Assert.InRange(Timer.ActiveCount, 0, timersBefore);
    }

    [Fact]
    public async Task Sockets_and_memory_are_back_after_many_connections()
    {
        await using GuestCrowd crowd = await GuestCrowd.StartAsync(10, Token);
        await AskAsync(crowd, 3);
        int sockets = Sockets();
        long memory = GC.GetTotalMemory(forceFullCollection: true);

        await AskAsync(crowd, 20);

        Assert.Equal(sockets, Sockets());
        const long noise = 2 << 20;
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true), 0, memory + noise);
    }

    private static async Task AskAsync(GuestCrowd crowd, int times)
    {
        for (int i = 0; i < times; i++)
        {
            await using Connection connection = await OpenAsync(crowd, TimeSpan.FromSeconds(20));
            for (int calls = 0; calls < 10; calls++)
                Assert.Equal(crowd.Guests.Count, (await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token)).Count);
        }
    }

    private static ValueTask<Connection> OpenAsync(GuestCrowd crowd, TimeSpan timeout) =>
        Connection.OpenAsync($"qmp://{crowd.DirectoryPath}", new ConnectionOptions { Timeout = timeout }, Token);

    private static int Sockets() => Directory.EnumerateFileSystemEntries("/proc/self/fd")
        .Count(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);
}
