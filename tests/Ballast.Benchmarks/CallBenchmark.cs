using System.Diagnostics;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>One caller, one call after the other, beside sockets that carry the same bytes.</summary>
internal static class CallBenchmark
{
    private const int RoundCount = 150;
    private const int CallsPerRound = 20;

    public static async Task RunAsync(Report report)
    {
        report.Section("call", "One call (`Domain.FillMemoryStatsAsync(buffer)`), µs, beside a bare socket that carries the same bytes");
        await using (DrivenGuest guest = await Machines.StartTinyAsync(monitors: 4))
            await CompareAsync(report, "tiny machine (microvm)", guest.Process.MonitorPaths);
        await using (QemuProcess qemu = await Machines.StartLikeLibvirtAsync(monitors: 3))
            await CompareAsync(report, "q35 as libvirt makes it", qemu.MonitorPaths);
        report.Note("CPU time is this process's alone. Where continuations run on the thread pool, most of it is the pool's idle threads, "
            + "which spin before they sleep; `DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0` turns that off.");
    }

    private static async Task CompareAsync(Report report, string machine, IReadOnlyList<string> monitors)
    {
        using BareMonitor blocking = new(monitors[0]), awaiting = new(monitors[1]);
        await using Connection connection = await Connection.OpenAsync($"qmp://{monitors[2]}");
        Domain domain = (await connection.ListDomainsAsync())[0];
        MemoryStat[] stats = new MemoryStat[16];
        Side[] sides =
        [
            new("bare socket, blocking", () =>
            {
                blocking.Ask(Machines.CallBytes, Machines.CallReplies);
                return default;
            }),
            new("bare socket, awaited", () => awaiting.AskAsync(Machines.CallBytes, Machines.CallReplies)),
            new("Ballast", async () => _ = await domain.FillMemoryStatsAsync(stats)),
        ];
        report.Table(machine, "µs", await Rounds.RunAsync(RoundCount, [.. sides.Select(side => (side.Name, (Func<Task<double>>)side.MeasureAsync))]));
        report.Note($"CPU time per call, median: {string.Join(", ", sides.Select(side => $"{side.Name} {Report.Number(side.CpuMicroseconds)} µs"))}.");
    }

    private sealed class Side(string name, Func<ValueTask> call)
    {
        private readonly List<double> _cpu = [];

        public string Name => name;

        public double CpuMicroseconds => Samples.MedianOf(_cpu);

        public async Task<double> MeasureAsync()
        {
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < CallsPerRound; i++)
                await call();
            double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            _cpu.Add((Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / CallsPerRound);
            return elapsed / CallsPerRound;
        }
    }
}
