using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>Bytes that a call leaves for the garbage collector, in the whole process.</summary>
internal static class AllocationsBenchmark
{
    private const int WarmUpCalls = 2000;
    private const int Calls = 500;
    private const int RoundCount = 8;

    public static async Task RunAsync(Report report)
    {
        report.Section("allocations", "Bytes allocated per call, in the whole process");
        await using DrivenGuest guest = await Machines.StartTinyAsync(monitors: 2);
        await using Connection test = await Connection.OpenAsync("test:///default");
        await using Connection qemu = await Connection.OpenAsync($"qmp://{guest.MonitorPath}");
        Domain simulated = (await test.ListDomainsAsync())[0], real = (await qemu.ListDomainsAsync())[0];
        MemoryStat[] stats = new MemoryStat[16];
        report.Rows("call | bytes, median | smallest",
            await MeasureAsync("test driver, RFC's shape (completes synchronously)", () => simulated.FillMemoryStatsAsync(stats)),
            await MeasureAsync("test driver, sample", () => simulated.GetMemoryStatsAsync()),
            await MeasureAsync("QEMU's monitor, RFC's shape (awaited)", () => real.FillMemoryStatsAsync(stats)),
            await MeasureAsync("QEMU's monitor, sample", () => real.GetMemoryStatsAsync()));
    }

    private static async Task<string> MeasureAsync<T>(string name, Func<ValueTask<T>> call)
    {
        for (int i = 0; i < WarmUpCalls; i++)
            _ = await call();
        double[] bytes = new double[RoundCount];
        for (int round = 0; round < RoundCount; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < Calls; i++)
                _ = await call();
            bytes[round] = (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / Calls;
        }

        return Report.Text($"{name} | {Samples.MedianOf(bytes):0.0} | {bytes.Min():0.0}");
    }
}
