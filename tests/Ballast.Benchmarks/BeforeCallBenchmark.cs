using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>Calls of the C library, and of libvirt's C library through ballastd, beside those of an earlier build.</summary>
internal static partial class BeforeCallBenchmark
{
    private const int RoundCount = 60, QemuCount = 20, CountedCalls = 1000;

    // Some seconds: what is done once a second then counts for no more than it is.
    private const int CountedBulkCalls = 500;

    private static readonly (string Name, string Word, int Calls, int Counted)[] Kinds =
    [
        ("one call", "stats", 100, CountedCalls),
        (Report.Text($"the balloons of {QemuCount} in one call"), "bulk", 5, CountedBulkCalls),
    ];

    public static async Task RunAsync(Report report)
    {
        report.Section("before:call", Report.Text($"The C library and ballastd: {QemuCount} QEMUs, this build beside an earlier one, each on monitors of its own"));
        if (Environment.GetEnvironmentVariable("BALLAST_BEFORE") is not { Length: > 0 } before)
        {
            report.Note("BALLAST_BEFORE names no earlier `ballast`: left out.");
            return;
        }

        using PrivateDirectory directory = new();
        string program = await BuildAsync(directory);
        string[] builds = [Path.GetDirectoryName(Path.GetFullPath(before))!, Path.GetDirectoryName(Tools.Ballast())!];
        string[] places = [.. Enumerable.Range(0, 2 * builds.Length).Select(place => directory.File($"place{place}"))];
        foreach (string place in places)
            _ = Directory.CreateDirectory(place);
        List<ChildProcess> qemus = [], daemons = [];
        List<CallingProgram> callers = [];
        try
        {
            for (int i = 0; i < QemuCount; i++)
                qemus.Add(await StartQemuAsync(Report.Text($"call{i}"), places));
            foreach ((string build, string place) in builds.Zip(places))
                callers.Add(await CallingProgram.StartAsync(program, Path.Combine(build, "libballast.so"), $"qmp://{place}"));
            foreach ((string build, string place) in builds.Zip(places.Skip(builds.Length)))
            {
                string socket = $"{place}.sock";
                ChildProcess daemon = await ChildProcess.StartAsync(
                    Path.Combine(build, "ballastd"), ["--config", "/dev/null", "--socket", socket, "--qmp", place]);
                daemons.Add(daemon);
                await Deadline.UntilAsync(
                    Deadline.Default, "ballastd", _ => Task.FromResult(daemon.Errors.Contains("listens on", StringComparison.Ordinal)), CancellationToken.None);
                callers.Add(await CallingProgram.StartAsync(program, "libvirt.so.0", $"qemu+unix:///system?socket={socket}"));
            }

            foreach ((string name, string word, int calls, int counted) in Kinds)
            {
                await CompareAsync(report, $"C library, {name}", word, calls, counted, [.. callers.Take(2)], [.. callers.Take(2).Select(caller => caller.Pid)]);
                await CompareAsync(report, $"ballastd, {name}", word, calls, counted, [.. callers.Skip(2)], [.. daemons.Select(daemon => daemon.Pid)]);
            }
        }
        finally
        {
            foreach (CallingProgram caller in callers)
                await caller.DisposeAsync();
            foreach (ChildProcess process in (IEnumerable<ChildProcess>)[.. daemons, .. qemus])
                await process.DisposeAsync();
        }
    }

    // The measured processes are those whose time and system calls count.
    private static async Task CompareAsync(Report report, string title, string word, int calls, int counted, CallingProgram[] callers, int[] measured)
    {
        double[][] elapsed = [new double[RoundCount], new double[RoundCount]], processor = [new double[RoundCount], new double[RoundCount]];
        for (int round = -1; round < RoundCount; round++)
        {
            // Neither is always the one that comes after the other.
            foreach (int side in (int[])[round & 1, 1 - (round & 1)])
            {
                double before = ProcessorMicroseconds(measured[side]);
                double took = await callers[side].RunAsync(word, calls);
                if (round >= 0)
                    (elapsed[side][round], processor[side][round]) = (took, (ProcessorMicroseconds(measured[side]) - before) / calls);
            }
        }

        report.Table($"{title}, elapsed", "µs", [new("before", elapsed[0]), new("now", elapsed[1])]);
        report.Table($"{title}, processor time", "µs", [new("before", processor[0]), new("now", processor[1])]);
        double[] system = [await CountAsync(callers[0], measured[0], word, counted), await CountAsync(callers[1], measured[1], word, counted)];
        report.Note(Report.Text($"{title}, system calls: {system[0]:0.0} before, {system[1]:0.0} now."));
    }

    /// <summary>The system calls of a process for each call. perf counts them without slowing it down, so that what depends on time does not change.</summary>
    private static async Task<double> CountAsync(CallingProgram caller, int pid, string word, int calls)
    {
        using PrivateDirectory directory = new();
        string counts = directory.File("counts");
        await using (ChildProcess perf = await ChildProcess.StartAsync(
            Tools.Find("perf"), ["stat", "-x", " ", "-e", "raw_syscalls:sys_enter", "-o", counts, "-p", $"{pid}"]))
        {
            // Nothing tells that it has begun.
            await Task.Delay(TimeSpan.FromSeconds(1));
            _ = await caller.RunAsync(word, calls);
            const int interrupt = 2;
            perf.Signal(interrupt);
            await perf.WaitForExitAsync();
        }

        string count = File.ReadLines(counts).Last(line => line.Contains("sys_enter", StringComparison.Ordinal)).Split(' ')[0];
        return double.Parse(count, CultureInfo.InvariantCulture) / calls;
    }

    // All its threads together, those that ended too.
    private static double ProcessorMicroseconds(int pid)
    {
        const int processClock = 2;
        return ClockGetTime((~pid << 3) | processClock, out Time time) == 0
            ? (time.Seconds * 1e6) + (time.Nanoseconds / 1e3)
            : throw new InvalidOperationException($"Nobody knows how long process {pid} has worked.");
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Time time);

    private readonly struct Time
    {
        public readonly long Seconds, Nanoseconds;
    }

    private static async Task<ChildProcess> StartQemuAsync(string name, string[] places)
    {
        string[] paths = [.. places.Select(place => Path.Combine(place, name))];
        ChildProcess qemu = await ChildProcess.StartAsync(
            "qemu-system-x86_64",
            [
                "-M", "q35", "-m", "64", "-display", "none", "-nodefaults", "-S", "-name", name, "-device", "virtio-balloon-pci,id=balloon0",
                .. paths.SelectMany(path => new[] { "-qmp", $"unix:{path},server=on,wait=off" }),
            ]);
        await Deadline.UntilAsync(Deadline.Default, "monitors", _ => Task.FromResult(paths.All(File.Exists)), CancellationToken.None);
        return qemu;
    }

    private static async Task<string> BuildAsync(PrivateDirectory directory)
    {
        string program = directory.File("calls");
        CommandResult built = await ChildProcess.RunAsync("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SourcePath(), "-ldl"]);
        return built.ExitCode == 0 ? program : throw new InvalidOperationException($"gcc: {built.Errors}");
    }

    private static string SourcePath([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../floor/calls.c"));
}
