using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// One QEMU, read by real libvirtd over its own monitor and by ballastd over a second one; unmodified virsh asks both the
/// same, and what it prints is equal but for the differences listed here.
/// </summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
public sealed class DaemonParityTests
{
    private const string Name = "twice", Paused = "paused: ", Until = "until ";

    /// <summary>Differences that stay, each with its reason.</summary>
    private static readonly (string Pattern, string Replacement, string Reason)[] Normalisations =
    [
        (@"(?m)^( *)[0-9]+( +twice)", "$1ID$2", "libvirt counts domains, ballastd gives QEMU's process id."),
        (@"(?m)^(Id: +)[0-9]+", "$1ID", "The same."),
        (@" +", " ", "Columns are as wide as the id."),
        (@"-{5,}", "---", "So are their lines."),
        (@"(?m)^(CPU time: +)[0-9.]+s", "$1N s", "It goes on between two looks."),
        (@"(?m)^(.*rss[= ])[0-9]+", "$1N", "The process's own memory moves."),
        (@"(?m)^((kernel|user|system|idle|iowait|total|free|buffers|cached)\s*:\s*)[0-9]+", "$1N", "The host goes on between two looks."),
        (@"(?m)^(CPU: +)[0-9]+", "$1N", "A guest's processor moves between the host's."),
        (@"(?m)^( (cpu\.(time|user|system)|vcpu\.[0-9]+\.(time|wait|delay))=)[0-9]+", "$1N", "Time goes on between two looks."),
        (@"(?m)^ block\.[0-9]+\.(backingIndex|physical)=.*\n", "", "What libvirt knows from its own state and the host's file systems."),
        (@"(?m)^( block\.[0-9]+\.name=).*", "$1NAME", "QEMU tells its own name of a device, libvirt's target name is libvirt's alone."),
        (@"(?m)^Autostart Once: .*\n", "", "virsh has it since 11.2, by a call that came with it."),
        (@"(?m)^Messages:.*\n( tainted:.*\n)*", "", "What taints a domain is libvirt's own knowledge of how it started it."),
        (@"(?m)^(Total:|4KiB:) [0-9]+", "$1 N", "The host's memory moves between two looks."),
        (@"(?m)^Security model: .*\n(Security DOI: .*\n)?", "", "The private libvirtd has a security driver by name; ballastd has none."),
    ];

    /// <summary>What is answered otherwise as a whole: the command, what ballastd prints, and why.</summary>
    private static readonly (string Line, string Ours, string Reason)[] Own =
    [
        ($"schedinfo {Name}", @"\AScheduler\s*: posix\s*\z",
            "The private libvirtd has no control groups; ballastd tells the scheduler, and has no parameters of it."),
        ($"memtune {Name}", @"\Ahard_limit\s*: (unlimited|\d+)\s+soft_limit\s*: (unlimited|\d+)\s+swap_hard_limit\s*: (unlimited|\d+)\s*\z",
            "The private libvirtd has no control groups; ballastd reads those that the process is in."),
        ("maxvcpus", @"\A16\s*\z", "libvirt's function has 16 for QEMU; virsh asks libvirtd for a domain's capabilities first, which ballastd has not."),
        ($"reboot {Name}", @"cannot be rebooted from outside; use reset, or reboot inside the guest", "libvirtd keeps a QEMU whose guest shut down, and starts it anew."),
    ];

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
            if (Normal(theirs) != Normal(ours))
                differences.Add($"{line}\n--- libvirtd\n{Normal(theirs)}\n--- ballastd\n{Normal(ours)}");
        }

        Assert.True(differences.Count == 0, string.Join("\n\n", differences));
        await XmlIsEqualAsync(libvirtd, ballastd);
        await ShellsAreEqualAsync(libvirtd, ballastd);
        foreach ((string line, string ours, _) in Own)
        {
            string[] words = line.Split(' ');
            CommandResult result = await ballastd.VirshAsync(words, Token);
            Assert.Matches(ours, result.Output + result.Errors);
            Assert.NotEqual(Normal(result), Normal(await libvirtd.VirshAsync(words, Token)));
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
        Assert.All(results, result => Assert.Equal(Normal(results[0]), Normal(result)));
    }

    private static IEnumerable<string> Script =>
    [
        "list", "list --all", "list --inactive", "list --state-paused", "list --name", "list --uuid", "list --title",
        $"dommemstat {Name}", $"dommemstat {Name} --live", $"dommemstat {Name} --config", $"dommemstat {Name} --period 3", $"dommemstat {Name}",
        $"dommemstat {Name} --period 0", $"dommemstat {Name} --period 3 --config", $"dommemstat {Name} --period -1", "dommemstat nobody",
        "domstats --state --balloon", $"domstats {Name} --balloon", "domstats --balloon --list-paused", "domstats --state --list-transient", "domstats --balloon --nowait",
        "domstats --balloon --enforce", "domstats nobody",
        .. StatsScript,
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
        $"metadata {Name} urn:x", $"desc {Name} --title", $"domiflist nobody", $"reset {Name}", $"domstate {Name}",
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

    private static async Task XmlIsEqualAsync(LibvirtDaemon libvirtd, BallastDaemon ballastd)
    {
        XElement theirs = XElement.Parse((await libvirtd.VirshAsync(["dumpxml", Name], Token)).Output);
        XElement ours = XElement.Parse((await ballastd.VirshAsync(["dumpxml", Name], Token)).Output);
        foreach (string path in (string[])["name", "uuid", "memory", "currentMemory", "vcpu", "os/type", "devices/emulator"])
            Assert.Equal(Find(theirs, path).Value, Find(ours, path).Value);
        foreach ((string path, string attribute) in ((string, string)[])[("memory", "unit"), ("currentMemory", "unit"), ("vcpu", "placement"), ("vcpu", "current")])
            Assert.Equal((string?)Find(theirs, path).Attribute(attribute), (string?)Find(ours, path).Attribute(attribute));
        Assert.Equal((string?)theirs.Attribute("type"), (string?)ours.Attribute("type"));
        Assert.Equal((string?)Find(theirs, "os/type").Attribute("arch"), (string?)Find(ours, "os/type").Attribute("arch"));
        Assert.Equal((string?)Find(theirs, "os/type").Attribute("machine"), (string?)Find(ours, "os/type").Attribute("machine"));
        Assert.Equal((string?)Find(theirs, "devices/memballoon").Attribute("model"), (string?)Find(ours, "devices/memballoon").Attribute("model"));
        Assert.Equal((string?)Find(theirs, "devices/memballoon/alias").Attribute("name"), (string?)Find(ours, "devices/memballoon/alias").Attribute("name"));
    }

    private static XElement Find(XElement root, string path) =>
        path.Split('/').Aggregate(root, (element, name) => element.Element(name) ?? throw new InvalidOperationException($"no {name} in {element}"));

    private static string Normal(CommandResult result)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"exit {result.ExitCode}\n{result.Output}{result.Errors}");
        foreach ((string pattern, string replacement, _) in Normalisations)
            text = Regex.Replace(text, pattern, replacement, RegexOptions.None, TimeSpan.FromSeconds(10));
        return text;
    }
}
