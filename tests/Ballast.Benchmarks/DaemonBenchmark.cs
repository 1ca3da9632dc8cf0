using System.Diagnostics;
using System.Globalization;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>
/// ballastd beside libvirtd, the same kind of QEMU under each, both asked by the same program over libvirt's own C library;
/// our own client of ballastd beside them.
/// </summary>
internal static class DaemonBenchmark
{
    private const int RoundCount = 30, CallsPerRound = 20, Callers = 64, Connections = 16;

    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(300);

    public static async Task RunAsync(Report report)
    {
        report.Section("daemon", "ballastd beside libvirtd, the same kind of QEMU under each, asked over libvirt's C library");
        string? program = Environment.GetEnvironmentVariable("BALLAST_DAEMON");
        if (!Environment.IsPrivilegedProcess || string.IsNullOrEmpty(program))
        {
            report.Note("A libvirtd of our own needs root, and BALLAST_DAEMON must name the native ballastd (./build): left out.");
            return;
        }

        List<string> memory = [];
        foreach (int domains in (int[])[1, 50])
        {
            await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync();
            using PrivateDirectory directory = new();
            long libvirtEmpty = Resident(libvirtd.Pid);
            List<string> names = [];
            for (int i = 0; i < domains; i++)
                names.Add(await libvirtd.CreateDomainAsync(DomainXml.WithoutGuest(string.Create(CultureInfo.InvariantCulture, $"bench{i}"))));
            await using Crowd crowd = await Crowd.StartAsync(directory, domains);
            await using ChildProcess ballastd = await ChildProcess.StartAsync(
                program, ["--config", "/dev/null", "--socket", directory.File("sock"), "--qmp", directory.File("monitors")]);
            await Deadline.UntilAsync(Deadline.Default, "ballastd", _ => Task.FromResult(ballastd.Errors.Contains("listens on", StringComparison.Ordinal)), CancellationToken.None);
            long ballastEmpty = Resident(ballastd.Pid);
            string uri = $"qemu+unix:///system?socket={directory.File("sock")}";
            using LibvirtClient theirs = new(libvirtd.Uri, "bench0"), ours = new(uri, "bench0");
            await using Connection connection = await Connection.OpenAsync(uri);
            Domain domain = await connection.LookupByNameAsync("bench0");
            if (domains == 1)
            {
                memory.Add(Report.Text($"0 domains | {libvirtEmpty} | {ballastEmpty}"));
                await OneAsync(report, theirs, ours, domain, libvirtd.Uri, uri);
            }
            else
            {
                report.Table(Report.Text($"balloon statistics of all {domains} domains in one call"), "ms", await Rounds.RunAsync(
                    RoundCount,
                    ("libvirtd, C library", () => TimeAsync(1, () => Check(theirs.CountBalloonStats(), domains))),
                    ("ballastd, C library", () => TimeAsync(1, () => Check(ours.CountBalloonStats(), domains))),
                    ("ballastd, our client", () => TimeAsync(1, async () =>
                        await Check((await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon)).Count, domains)))));
            }

            memory.Add(Report.Text($"{domains} domains, asked many times | {Resident(libvirtd.Pid)} | {Resident(ballastd.Pid)}"));
        }

        report.Rows("resident memory, MiB | libvirtd | ballastd", [.. memory]);
    }

    private static async Task OneAsync(Report report, LibvirtClient theirs, LibvirtClient ours, Domain domain, string theirUri, string ourUri)
    {
        MemoryStat[] stats = new MemoryStat[16];
        report.Table("one caller, one domain's statistics", "ms", await Rounds.RunAsync(
            RoundCount,
            ("libvirtd, C library", () => TimeAsync(CallsPerRound, () => Done(theirs.GetMemoryStats()))),
            ("ballastd, C library", () => TimeAsync(CallsPerRound, () => Done(ours.GetMemoryStats()))),
            ("ballastd, our client", () => TimeAsync(CallsPerRound, async () => _ = await domain.GetMemoryStatsAsync(stats)))));
        report.Table($"{Callers} callers of one domain", "calls/s", await Rounds.RunAsync(
            RoundCount / 3,
            ("libvirtd, C library", () => RateAsync(Callers, theirs.GetMemoryStats)),
            ("ballastd, C library", () => RateAsync(Callers, ours.GetMemoryStats))));
        report.Table("the protocol alone (library version), one connection", "ms", await Rounds.RunAsync(
            RoundCount,
            ("libvirtd, C library", () => TimeAsync(CallsPerRound, () => Done(theirs.GetLibraryVersion()))),
            ("ballastd, C library", () => TimeAsync(CallsPerRound, () => Done(ours.GetLibraryVersion())))));

        LibvirtClient[] manyTheirs = [.. Enumerable.Range(0, Connections).Select(_ => new LibvirtClient(theirUri, "bench0"))];
        LibvirtClient[] manyOurs = [.. Enumerable.Range(0, Connections).Select(_ => new LibvirtClient(ourUri, "bench0"))];
        int next = 0;
        report.Table($"the protocol alone, {Connections} connections", "calls/s", await Rounds.RunAsync(
            RoundCount / 3,
            ("libvirtd, C library", () => RateAsync(Connections, manyTheirs[next++ % Connections].GetLibraryVersion, i => manyTheirs[i].GetLibraryVersion)),
            ("ballastd, C library", () => RateAsync(Connections, manyOurs[next++ % Connections].GetLibraryVersion, i => manyOurs[i].GetLibraryVersion))));
        foreach (LibvirtClient client in (LibvirtClient[])[.. manyTheirs, .. manyOurs])
            client.Dispose();
    }

    private static Task Done(int _) => Task.CompletedTask;

    private static Task Check(int count, int expected) =>
        count == expected ? Task.CompletedTask : throw new InvalidOperationException($"{count} domains instead of {expected}.");

    private static async Task<double> TimeAsync(int calls, Func<Task> call)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
            await call();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / calls;
    }

    // Threads, as the C library's calls block.
    private static async Task<double> RateAsync(int callers, Func<int> call, Func<int, Func<int>>? callOf = null)
    {
        long start = Stopwatch.GetTimestamp();
        long[] counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(i => Task.Factory.StartNew(
            () =>
            {
                Func<int> mine = callOf?.Invoke(i) ?? call;
                long count = 0;
                for (; Stopwatch.GetElapsedTime(start) < RoundTime; count++)
                    _ = mine();
                return count;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        return counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static long Resident(int pid)
    {
        const int resident = 1;
        long pages = long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[resident], CultureInfo.InvariantCulture);
        return pages * Environment.SystemPageSize >> 20;
    }

    /// <summary>QEMUs such as libvirt starts for <see cref="DomainXml.WithoutGuest"/>, their monitors in one directory.</summary>
    private sealed class Crowd(List<ChildProcess> qemus) : IAsyncDisposable
    {
        public static async Task<Crowd> StartAsync(PrivateDirectory directory, int count)
        {
            _ = Directory.CreateDirectory(directory.File("monitors"));
            List<ChildProcess> qemus = [];
            for (int i = 0; i < count; i++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"bench{i}"), socket = directory.File($"monitors/{name}.sock");
                qemus.Add(await ChildProcess.StartAsync("qemu-system-x86_64",
                [
                    "-name", $"guest={name},debug-threads=on", "-uuid", $"{Guid.NewGuid()}", "-machine", "q35,usb=off,dump-guest-core=off", "-accel", "tcg", "-m", "64",
                    "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none", "-qmp", $"unix:{socket},server=on,wait=off",
                    .. Enumerable.Range(1, 5).SelectMany(port => new[] { "-device", $"pcie-root-port,id=pci.{port},chassis={port},port={15 + port},bus=pcie.0,addr=0x{port + 1:x}" }),
                    "-device", "virtio-balloon-pci,id=balloon0,bus=pci.2",
                ]));
                await Deadline.UntilAsync(Deadline.Default, socket, _ => Task.FromResult(File.Exists(socket)), CancellationToken.None);
            }

            return new Crowd(qemus);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (ChildProcess qemu in qemus)
                await qemu.DisposeAsync();
        }
    }
}
