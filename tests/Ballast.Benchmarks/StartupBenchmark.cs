using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>The programs from their start to their end, beside virsh's.</summary>
internal static class StartupBenchmark
{
    private const int RoundCount = 50;
    private const int PeakRuns = 15;

    public static async Task RunAsync(Report report)
    {
        string ballast = Tools.Ballast(), virsh = Tools.Find("virsh");
        report.Section("startup", "Whole processes, from start to end, ms; peak memory in KiB");
        await CompareAsync(report, "one call, test driver",
            ("`virsh -c test:///default dommemstat test`", [virsh, "-c", "test:///default", "dommemstat", "test"]),
            ("`ballast -c test:///default dommemstat test`", [ballast, "-c", "test:///default", "dommemstat", "test"]));
        await CompareAsync(report, "version",
            ("`virsh --version`", [virsh, "--version"]),
            ("`ballast --version`", [ballast, "--version"]));

        await using DrivenGuest guest = await Machines.StartTinyAsync(monitors: 2);
        string uri = $"qmp://{guest.MonitorPath}";
        if (!Environment.IsPrivilegedProcess)
        {
            report.Note("A libvirtd of our own needs root: left out.");
            return;
        }

        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync();
        string name = await daemon.CreateDomainAsync(DomainXml.WithoutGuest("bench"));
        await CompareAsync(report, "one call, a QEMU",
            ("`virsh -c qemu+unix:///system?socket=… dommemstat bench` (libvirtd runs already)", [virsh, "-c", daemon.Uri, "dommemstat", name]),
            ("`ballast -c qmp:///… dommemstat tiny` (no daemon)", [ballast, "-c", uri, "dommemstat", "tiny"]));
    }

    private static async Task CompareAsync(Report report, string title, params (string Name, string[] Command)[] sides)
    {
        Samples[] samples = await Rounds.RunAsync(RoundCount, [.. sides.Select(side => (side.Name, Once(side.Command)))]);
        report.Table(title, "ms", samples);
        report.Note($"Peak memory: {string.Join(", ", sides.Select(side => $"{side.Name} {PeakKiB(side.Command)} KiB"))}.");
    }

    private static Func<Task<double>> Once(string[] command) => () => Task.FromResult(NativeProcess.Run(command));

    private static long PeakKiB(string[] command) =>
        (long)Samples.MedianOf(Enumerable.Range(0, PeakRuns).Select(_ => (double)NativeProcess.PeakResidentKiB(command)));
}
