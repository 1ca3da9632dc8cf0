using System.Globalization;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>
/// Whole processes beside those of an earlier build, which BALLAST_BEFORE names: what was made safer should not have become
/// slower.
/// </summary>
internal static class BeforeBenchmark
{
    private const int RoundCount = 60, QemuCount = 20, OtherCount = 200;

    // Those in which all builds have the same fields: an earlier one that tells less is no measure.
    private static readonly string[] Groups = ["--state", "--balloon", "--vcpu", "--interface", "--block"];

    public static async Task RunAsync(Report report)
    {
        report.Section(
            "before", Report.Text($"One call, a directory, the host: {QemuCount} QEMUs among {OtherCount} other processes, this build beside an earlier one"));
        if (Environment.GetEnvironmentVariable("BALLAST_BEFORE") is not { Length: > 0 } before)
        {
            report.Note("BALLAST_BEFORE names no earlier `ballast`: left out.");
            return;
        }

        using PrivateDirectory directory = new();
        List<ChildProcess> others = [], qemus = [];
        try
        {
            for (int i = 0; i < OtherCount; i++)
                others.Add(await ChildProcess.StartAsync("sleep", ["infinity"]));
            for (int i = 0; i < QemuCount; i++)
                qemus.Add(await StartQemuAsync(directory, Name(i)));
            foreach (string[] command in (string[][])
                [
                    ["-c", "test:///default", "dommemstat", "test"],
                    ["-c", $"qmp://{directory.File(Name(0))}", "dommemstat", Name(0)],
                    ["-c", $"qmp://{directory.Path}", "list"],
                    ["-c", $"qmp://{directory.Path}", "domstats", .. Groups],
                    ["-c", $"qmp://{directory.Path}", "domstats"],
                    ["-c", "qmp:///", "list"],
                    ["-c", "qmp:///", "domstats", .. Groups],
                ])
            {
                Compare(report, $"`ballast {string.Join(' ', command).Replace(directory.Path, "/DIR", StringComparison.Ordinal)}`", before, command);
            }
        }
        finally
        {
            foreach (ChildProcess process in (IEnumerable<ChildProcess>)[.. qemus, .. others])
                await process.DisposeAsync();
        }
    }

    private static string Name(int qemu) => string.Create(CultureInfo.InvariantCulture, $"before{qemu}");

    private static async Task<ChildProcess> StartQemuAsync(PrivateDirectory directory, string name)
    {
        string path = directory.File(name);
        ChildProcess qemu = await ChildProcess.StartAsync(
            "qemu-system-x86_64",
            ["-M", "none", "-display", "none", "-nodefaults", "-S", "-name", name, "-qmp", $"unix:{path},server=on,wait=off"]);
        await Deadline.UntilAsync(Deadline.Default, "a monitor", _ => Task.FromResult(File.Exists(path)), CancellationToken.None);
        return qemu;
    }

    private static void Compare(Report report, string title, string before, string[] command)
    {
        double[][] elapsed = [new double[RoundCount], new double[RoundCount]], processor = [new double[RoundCount], new double[RoundCount]];
        string[] programs = [before, Tools.Ballast()];
        for (int round = 0; round < RoundCount; round++)
        {
            // Neither is always the one that comes after the other.
            foreach (int side in (int[])[round % 2, 1 - (round % 2)])
                (elapsed[side][round], processor[side][round]) = NativeProcess.Measure([programs[side], .. command]);
        }

        report.Table($"{title}, from start to end", "ms", [new("before", elapsed[0]), new("now", elapsed[1])]);
        report.Table($"{title}, processor time", "ms", [new("before", processor[0]), new("now", processor[1])]);
    }
}
