using System.Xml.Linq;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// One QEMU, read by real libvirtd over its own monitor and by ballastd over a second one; unmodified virsh asks both the
/// same, and what it prints is equal but for <see cref="DaemonDifferences"/>.
/// </summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
public sealed class DaemonParityTests
{
    private const string Name = DaemonDifferences.Name, Paused = "paused: ", Until = "until ";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Virsh_prints_the_same_of_both()
    {
        using PrivateDirectory directory = new();
        string monitor = directory.File("second.sock");
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(Token);
        _ = await libvirtd.CreateDomainAsync(
            WithDevices(DomainXml.ForLinuxGuest(Name, await LinuxGuestImage.GetAsync(Token), periodSeconds: 1, monitorPath: monitor), directory), Token);
        await using BallastDaemon ballastd = await BallastDaemon.StartAsync(Token, "--qmp", monitor);
        await Deadline.UntilAsync(TimeSpan.FromSeconds(120), "a report of the guest", async token =>
            BallastProgram.ParseStats((await libvirtd.VirshAsync(["dommemstat", Name], token)).Output).Count == 13, Token);

        // From here on the numbers stand still, and both read the same ones.
        Assert.Equal("", (await libvirtd.VirshAsync(["dommemstat", Name, "--period", "0"], Token)).Errors);
        List<string> differences = [];
        foreach (string line in Script)
        {
            if (line.StartsWith(Until, StringComparison.Ordinal))
            {
                await UntilBothSayAsync(line[Until.Length..], libvirtd, ballastd);
                continue;
            }

            // Both act on one QEMU: what needs a paused one finds it running after the other.
            bool isPaused = line.StartsWith(Paused, StringComparison.Ordinal);
            string[] words = line[(isPaused ? Paused.Length : 0)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (isPaused)
                _ = await ballastd.VirshAsync(["suspend", Name], Token);
            CommandResult theirs = await libvirtd.VirshAsync(words, Token);
            if (isPaused)
                _ = await ballastd.VirshAsync(["suspend", Name], Token);
            CommandResult ours = await ballastd.VirshAsync(words, Token);
            if (DaemonDifferences.Normal(theirs) != DaemonDifferences.Normal(ours))
                differences.Add($"{line}\n--- libvirtd\n{DaemonDifferences.Normal(theirs)}\n--- ballastd\n{DaemonDifferences.Normal(ours)}");
        }

        Assert.True(differences.Count == 0, string.Join("\n\n", differences));
        await ShellsAreEqualAsync(libvirtd, ballastd);
        foreach ((string line, string ours, _) in DaemonDifferences.Own(Name))
        {
            string[] words = line.Split(' ');
            CommandResult result = await ballastd.VirshAsync(words, Token);
            Assert.Matches(ours, result.Output + result.Errors);
            Assert.NotEqual(DaemonDifferences.Normal(result), DaemonDifferences.Normal(await libvirtd.VirshAsync(words, Token)));
        }

        foreach ((string line, string refusal) in DaemonDifferences.RefusedOnce(Name))
        {
            CommandResult ours = await ballastd.VirshAsync(line.Split(' '), Token), theirs = await libvirtd.VirshAsync(line.Split(' '), Token);
            Assert.Equal(0, ours.ExitCode);
            if (!theirs.Errors.Contains(refusal, StringComparison.Ordinal))
                Assert.Equal(DaemonDifferences.Normal(theirs), DaemonDifferences.Normal(ours));
        }
    }

    /// <summary>QEMU tells of the balloon's size once a second at most, and libvirtd knows of it by that alone.</summary>
    private static Task UntilBothSayAsync(string field, LibvirtDaemon libvirtd, BallastDaemon ballastd) =>
        Deadline.UntilAsync(TimeSpan.FromSeconds(60), field, async token =>
            (await libvirtd.VirshAsync(["domstats", "--balloon"], token)).Output.Contains(field, StringComparison.Ordinal)
            && (await ballastd.VirshAsync(["domstats", "--balloon"], token)).Output.Contains(field, StringComparison.Ordinal), Token);

    private static string WithDevices(string xml, PrivateDirectory directory)
    {
        XElement domain = XElement.Parse(xml);
        using (FileStream disk = File.Create(directory.File("disk.raw")))
            disk.SetLength(16 * 1024 * 1024);
        domain.Element("name")!.AddAfterSelf(XElement.Parse("<title>A title</title>"));
        domain.Element("devices")!.Add(
            XElement.Parse($"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{directory.File("disk.raw")}'/><target dev='vda' bus='virtio'/></disk>"),
            XElement.Parse("<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"),
            XElement.Parse("<interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface>"));
        return domain.ToString();
    }

    /// <summary>Two interactive shells on ballastd at once, and one on libvirtd: idle for longer than both sides' keepalive.</summary>
    private static async Task ShellsAreEqualAsync(LibvirtDaemon libvirtd, BallastDaemon ballastd)
    {
        const string script =
            """
            { echo list --name; echo "dommemstat $2"; sleep 12; echo "domstate $2"; echo "domstats --balloon"; echo "domstate nobody"; echo "dommemstat $2"; echo quit; } |
                virsh -k 2 -K 2 -c "$1"
            """;
        CommandResult[] results = await Task.WhenAll(((string[])[libvirtd.Uri, ballastd.Uri, ballastd.Uri]).Select(uri => ChildProcess.RunAsync(
            "sh", ["-c", script, "sh", uri, Name], new Dictionary<string, string> { ["LC_ALL"] = "C" }, cancellationToken: Token)));
        Assert.Equal(0, results[0].ExitCode);
        Assert.Contains("running", results[0].Output, StringComparison.Ordinal);
        Assert.All(results, result => Assert.Equal(DaemonDifferences.Normal(results[0]), DaemonDifferences.Normal(result)));
    }

    private static IEnumerable<string> Script =>
    [
        "list", "list --all", "list --inactive", "list --state-paused", "list --name", "list --uuid",
        $"dommemstat {Name}", $"dommemstat {Name} --live", $"dommemstat {Name} --config", $"dommemstat {Name} --period 3", $"dommemstat {Name}",
        $"dommemstat {Name} --period 0", $"dommemstat {Name} --period 3 --config", $"dommemstat {Name} --period -1", "dommemstat nobody",
        "domstats --state --balloon", $"domstats {Name} --balloon", "domstats --balloon --list-paused", "domstats --state --list-transient", "domstats --balloon --nowait",
        "domstats --balloon --enforce", "domstats nobody",
        .. StatsScript, .. FactsScript, .. HostScript,
        $"vcpuinfo {Name}", $"vcpuinfo {Name} --pretty", $"vcpupin {Name}", $"vcpupin {Name} --live", $"vcpupin {Name} --config", "vcpupin nobody",
        $"vcpucount {Name}", $"vcpucount {Name} --maximum --live", $"vcpucount {Name} --live", $"vcpucount {Name} --guest", $"vcpucount {Name} --maximum --config",
        "freecell --cellno 99", $"memtune {Name} --config", $"numatune {Name}", $"numatune {Name} --config", "numatune nobody",
        $"domblkstat {Name}", $"domblkstat {Name} nothing", "domblkstat nobody", $"dompmwakeup {Name}", "dompmwakeup nobody",
        $"domdirtyrate-calc {Name} --seconds 0", $"domdirtyrate-calc {Name} --seconds 61", "domdirtyrate-calc nobody",
        $"domjobinfo {Name} --completed", "freepages --cellno 0 --pagesize 4", "freepages --cellno 0 --pagesize 3", "freepages --cellno 9 --pagesize 4",
        "cpu-models nonsense", "cpu-models aarch64", "pool-list --all", $"-r dompmwakeup {Name}", $"-r domdirtyrate-calc {Name}", $"-r reboot {Name}",
        $"dominfo {Name}", $"domstate {Name} --reason", $"domuuid {Name}", $"domcontrol {Name}", $"domjobinfo {Name}", $"domdisplay {Name}",
        $"setmem {Name} 192M", $"{Until}balloon.current=196608", $"setmem {Name} 0", $"setmem {Name} 1G", $"setmem {Name} 128M --config", $"setmem {Name} 9007199254740991",
        $"setmaxmem {Name} 128M", $"setmaxmem {Name} 128M --config", $"setmem {Name} 256M", $"{Until}balloon.current=262144",
        $"suspend {Name}", $"domstate {Name} --reason", $"suspend {Name}", $"dommemstat {Name}", "list --state-paused",
        "domstats --list-paused --state --balloon --vcpu", "domstats --list-running --balloon", "domstats --list-other --balloon", $"vcpuinfo {Name}", $"{Paused}resume {Name}", $"resume {Name}", $"domstate {Name} --reason",
        "domid nobody", "domname 4711", "domuuid nobody", "suspend nobody", "reset nobody", "destroy nobody", "shutdown nobody",
        "nodememstats", "nodememstats --cell 0", "nodememstats --cell 99", "nodememstats --cell -2", "nodecpustats", "nodecpustats --cpu 0", "nodecpustats --cpu 4711",
        "nodeinfo", "nodecpumap", "hostname", "version", "freecell", "event --event nonsense",
        $"-r setmem {Name} 128M", $"-r suspend {Name}", $"-r dommemstat {Name} --period 2", $"-r destroy {Name}", $"-r dommemstat {Name}", "-r list",
        $"metadata {Name} urn:x", $"domiflist nobody", $"reset {Name}", $"domstate {Name}",
    ];

    /// <summary>What a domain is, and what it has.</summary>
    private static IEnumerable<string> FactsScript =>
    [
        .. from filter in (string[])["persistent", "transient", "with-snapshot", "without-snapshot", "with-checkpoint", "without-checkpoint", "state-running",
               "state-shutoff", "state-other", "autostart", "no-autostart", "with-managed-save", "without-managed-save", "managed-save"]
           select $"list --{filter}",
        "list --all --uuid --name", "list --table --name", "list --nonsense", $"domname {Name}", "domcontrol nobody", "domstate nobody", "dominfo nobody",
        $"domjobinfo {Name} --rawstats", $"domjobinfo {Name} --anystats", $"domjobinfo {Name} --completed --keep-completed", $"domjobinfo {Name} --completed --rawstats", "domjobinfo nobody",
        $"domblklist {Name}", $"domblklist {Name} --details", $"domblklist {Name} --inactive", "domblklist nobody", $"domiflist {Name}", $"domiflist {Name} --inactive",
        $"domblkstat {Name} vda", $"domblkstat {Name} vda --human", $"domblkstat {Name} sda", $"domblkstat {Name} nosuch --human",
        $"vcpucount {Name} --active", $"vcpucount {Name} --current --active", $"vcpucount {Name} --current --maximum", $"vcpucount {Name} --config", "vcpucount nobody",
        $"vcpupin {Name} 0", $"vcpupin {Name} 7", $"vcpupin {Name} --current", $"vcpupin {Name} --vcpu -1", "vcpuinfo nobody",
        $"cpu-stats {Name}", $"cpu-stats {Name} --start 1", $"cpu-stats {Name} --start -1", "cpu-stats nobody", "memtune nobody", "schedinfo nobody",
        $"domdirtyrate-calc {Name} --mode dirty-ring --seconds 1", $"domdirtyrate-calc {Name} --mode nonsense", $"domdirtyrate-calc {Name} --seconds abc",
        .. from path in (string[])["/domain/name", "/domain/uuid", "/domain/memory", "/domain/currentMemory", "/domain/vcpu", "/domain/os", "//features", "//clock",
               "//on_poweroff|//on_reboot|//on_crash", "//emulator", "//disk/target", "//interface/mac|//interface/model", "//serial/target", "//memballoon/stats|//memballoon/alias", "//nosuch"]
           select $"dumpxml {Name} --xpath {path}",
        $"dumpxml {Name} --xpath //memory --wrap", $"dumpxml {Name} --inactive --xpath /domain/@id", $"dumpxml {Name} --inactive --xpath //disk/alias",
        $"dumpxml {Name} --migratable --xpath /domain/@id", $"dumpxml {Name} --migratable --xpath //alias", $"dumpxml {Name} --update-cpu --xpath /domain/vcpu",
        $"dumpxml {Name} --security-info --xpath /domain/memory", "dumpxml nobody", $"-r dumpxml {Name} --security-info", $"-r dumpxml {Name} --migratable",
        $"-r domcontrol {Name}", $"-r dominfo {Name}", $"-r domjobinfo {Name}", $"-r vcpupin {Name}", $"-r cpu-stats {Name}", $"-r domblkstat {Name} vda", "-r domstats --state",
        $"-r resume {Name}", $"-r reset {Name}", $"-r shutdown {Name}", $"-r setmaxmem {Name} 128M", "resume nobody", "reboot nobody", "setmem nobody 64M", "setmaxmem nobody 64M",
        $"setmem {Name} 5x", $"setmem {Name} 99999999999999999999", $"setmem {Name} 64M --live --config", $"setmem {Name} 64M --live --current",
        $"setmaxmem {Name} 128M --live", $"setmaxmem {Name} 0", $"dommemstat {Name} --period 2 --live --config", $"dommemstat {Name} --period 2 --live --current",
        .. from mode in (string[])["nonsense", "agent", "initctl", "signal", "paravirt"]
           from command in (string[])["shutdown", "reboot"]
           select $"{command} {Name} --mode {mode}",
    ];

    /// <summary>What the host is, and what virsh itself does.</summary>
    private static IEnumerable<string> HostScript =>
    [
        "nodememstats --cell -1", "nodecpustats --cpu 1", "nodecpustats --cpu -1", "nodecpustats --percent", "nodecpumap --pretty", "freecell --all", "freecell 0", "freecell -1",
        "freepages", "freepages --all", "freepages 0 2M", "freepages 0 5", "freepages --all --pagesize 4", "freepages --all --pagesize 5", "sysinfo", "-r sysinfo", "maxvcpus nonsense",
        "capabilities --xpath /capabilities/host/topology", "capabilities --xpath /capabilities/host/cpu/pages", "capabilities --xpath /capabilities/host/cpu/arch",
        "version --daemon", "event", "event --list", "event --event lifecycle --timeout 1", "event --all --timeout 1", "event --all --domain nobody --timeout 1",
        $"event --domain {Name} --event lifecycle --timeout 1", "-r event --all --timeout 1", "connect", "pwd", "cd /", "echo a b", "echo --shell a;b", "quit", "exit", "help nonsense", "nonsense",
    ];

    /// <summary>Every filter, every flag, every group.</summary>
    private static IEnumerable<string> StatsScript
    {
        get
        {
            string[] filters = ["active", "inactive", "persistent", "transient", "running", "paused", "shutoff", "other"];
            string[] groups = ["state", "cpu-total", "balloon", "vcpu", "interface", "block", "perf", "iothread", "memory", "dirtyrate", "vm"];
            string[] flags = ["nowait", "enforce", "raw", "backing"];
            return
            [
                "domstats", $"domstats {Name}", $"domstats {Name} {Name}", $"domstats {Name} nobody", "domstats --list-running --list-paused --state",
                "domstats --list-inactive --list-active --balloon", "domstats --list-transient --list-paused --balloon", "domstats --nonsense",
                $"domstats {Name} --list-paused --state", $"domstats {Name} --list-running --state",
                .. filters.Select(filter => $"domstats --list-{filter}"),
                .. filters.Select(filter => $"domstats --list-{filter} --state --balloon"),
                .. groups.Select(group => $"domstats --{group}"), .. groups.Select(group => $"domstats --{group} --enforce"), .. groups.Select(group => $"domstats {Name} --{group} --nowait --raw"),
                .. flags.SelectMany(flag => (string[])[$"domstats --{flag}", $"domstats --state --balloon --{flag}", $"domstats --cpu-total --vcpu --interface --block --{flag}"]),
            ];
        }
    }
}
