using System.Globalization;
using System.Runtime.CompilerServices;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>Calls of the C library, and of libvirt's C library through ballastd, beside those of an earlier build.</summary>
internal static class BeforeCallBenchmark
{
    private const int RoundCount = 60, QemuCount = 20, CountedCalls = 1000, CountedBulkCalls = 50;

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

    /// <summary>The system calls of a process for each call, counted by strace.</summary>
    private static async Task<double> CountAsync(CallingProgram caller, int pid, string word, int calls)
    {
        using PrivateDirectory directory = new();
        string counts = directory.File("counts");
        await using (ChildProcess strace = await ChildProcess.StartAsync(Tools.Find("strace"), ["-f", "-c", "-U", "name,calls", "-o", counts, "-p", $"{pid}"]))
        {
            await Deadline.UntilAsync(
                Deadline.Default, "strace", _ => Task.FromResult(strace.Errors.Contains("attached", StringComparison.Ordinal)), CancellationToken.None);
            _ = await caller.RunAsync(word, calls);
            const int interrupt = 2;
            strace.Signal(interrupt);
            await strace.WaitForExitAsync();
        }

        string total = File.ReadLines(counts).Last(line => line.StartsWith("total", StringComparison.Ordinal));
        return double.Parse(total.AsSpan("total".Length), CultureInfo.InvariantCulture) / calls;
    }

    // All the threads that it has, to the nanosecond: /proc/PID/stat counts hundredths of a second.
    private static double ProcessorMicroseconds(int pid)
    {
        const double nanoseconds = 1e-3;
        return Directory.GetDirectories($"/proc/{pid}/task").Sum(task => double.Parse(File.ReadAllText($"{task}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture)) * nanoseconds;
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
