using Ballast.Guests;

namespace Ballast.Tests.Performance;

/// <summary>Bytes are counted in the whole process, so nothing else runs beside these tests.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AlonePerProcess
{
    public const string Name = "alone in the process";
}

[Collection(AlonePerProcess.Name)]
public sealed class AllocationTests
{
    private const int WarmUpCalls = 500;
    private const int Calls = 200;
    private const int Attempts = 5;

    // The smallest object has 24 bytes: a call that makes one is seen. A sample is a few objects, without the states of its waits.
    private const int MostBytesOfAnAwaitedCall = 20, MostBytesOfASample = 1000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_call_that_completes_at_once_allocates_nothing()
    {
        await using var connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        var domain = (await connection.ListDomainsAsync(cancellationToken: Token))[0];
        var stats = new MemoryStat[16];
        Assert.True(domain.FillMemoryStatsAsync(stats, cancellationToken: Token).AsTask().IsCompletedSuccessfully);
        Assert.Equal(0, await LeastBytesPerCallAsync(() => domain.FillMemoryStatsAsync(stats, cancellationToken: Token)));
    }

    [Fact]
    [Trait("needs", "qemu")]
    public async Task An_awaited_call_of_a_monitor_allocates_nothing_and_a_sample_little()
    {
        await using var guest = await DrivenGuest.StartAsync(new() { Monitors = 2 }, Token);
        await guest.ReportAsync([(VirtioTag.FreeMemory, 1 << 20), (VirtioTag.TotalMemory, 1 << 24)], Token);
        await using var connection = await Connection.OpenAsync($"qmp://{guest.MonitorPath}", cancellationToken: Token);
        var domain = (await connection.ListDomainsAsync(cancellationToken: Token))[0];
        var stats = new MemoryStat[16];
        Assert.InRange(
            await LeastBytesPerCallAsync(() => domain.FillMemoryStatsAsync(stats, cancellationToken: Token)), 0, MostBytesOfAnAwaitedCall);
        Assert.InRange(
            await LeastBytesPerCallAsync(async () => (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Entries.Count), 0, MostBytesOfASample);
    }

    // What the runtime does in the background, such as compiling what became hot, counts too: the least is our own.
    private static async Task<double> LeastBytesPerCallAsync(Func<ValueTask<int>> call)
    {
        for (var i = 0; i < WarmUpCalls; i++)
            Assert.NotEqual(0, await call());
        var least = double.MaxValue;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Calls; i++)
                _ = await call();
            least = Math.Min(least, (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / Calls);
        }

        return least;
    }
}
