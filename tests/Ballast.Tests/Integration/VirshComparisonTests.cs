using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>virsh and our program beside each other on the domains of one real libvirtd.</summary>
[Trait("needs", "qemu")]
// A newer libvirt tells more of the host.
[Trait("oracle", "libvirt 9.0")]
[Trait("needs", "libvirtd")]
public sealed class VirshComparisonTests
{
    private static readonly string[] OfADomain =
    [
        "vcpuinfo D", "vcpuinfo D --pretty", "vcpucount D", "vcpucount D --config", "vcpucount D --live", "vcpucount D --current --maximum",
        "vcpucount D --active --config", "vcpupin D", "vcpupin D 1", "vcpupin D 7", "vcpupin D --config", "vcpupin D --live", "vcpupin D --current",
        "vcpupin D 7 --config", "memtune D", "memtune D --config", "memtune D --live", "memtune D --live --config", "domblklist D", "domblklist D --details",
        "domblklist D --inactive", "domiflist D", "domiflist D --inactive", "dumpxml D", "dumpxml D --inactive", "dumpxml D --migratable",
        "dumpxml D --security-info", "dumpxml D --update-cpu", "dumpxml D --xpath //*", "dumpxml D --xpath //@*", "dumpxml D --xpath //devices/* --wrap",
        "setmaxmem D 64", "setmaxmem D 64M --live", "shutdown D --mode signal", "shutdown D --mode acpi,paravirt", "destroy nosuch",
        "domjobinfo D", "domjobinfo D --completed", "domjobinfo D --rawstats", "domjobinfo D --anystats", "domblkstat D", "domblkstat D hdc", "domblkstat D --human",
        "domblkstat D nosuch", "cpu-stats D", "cpu-stats D --total", "cpu-stats D --start -1", "schedinfo D", "schedinfo D --live", "schedinfo D --config",
        "schedinfo D --current", "domdirtyrate-calc D 99", "domdirtyrate-calc D --mode x", "event --event lifecycle --domain D --timeout 1",
    ];

    private static readonly string[] OfTheHost =
    [
        "hostname", "nodeinfo", "maxvcpus kvm", "maxvcpus bogus", "freecell 9", "freecell -1", "nodememstats 9", "nodememstats -2", "nodecpustats 999",
        "nodecpustats -2", "nodecpumap", "nodecpumap --pretty", "sysinfo", "capabilities", "list --title", "list --all --title",
        "freepages 9 4", "freepages 0 5", "freepages 0 2M", "freepages --all --pagesize 2M", "event --list", "event --all --timeout 1",
    ];

    // They change the guest, so each program finds what the other one left: the same state, by what comes in between.
    private static readonly string[] OfTheRunning = ["suspend D", "resume D", "reset D", "shutdown D", "shutdown D --mode acpi", "destroy D --graceful"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_is_said_of_the_host_and_of_domains_that_run_wait_and_do_not_exist()
    {
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync(Token);
        using PrivateDirectory directory = new();
        string firmware = directory.File("halt.bin"), definition = directory.File("off.xml");
        HaltFirmware.WriteTo(firmware);
        await File.WriteAllTextAsync(definition, Domain("off", firmware), Token);
        string paused = await daemon.CreatePausedDomainAsync(Domain("waits", firmware), Token);
        Assert.Equal(0, (await daemon.VirshAsync(["define", definition], Token)).ExitCode);

        List<string> differences = [];
        foreach (string domain in (string[])[paused, "off", "nosuch"])
            await CompareAllAsync(daemon, OfADomain, domain, differences);
        await CompareAllAsync(daemon, OfTheHost, "", differences);
        Assert.True(differences.Count == 0, string.Join("\n\n", differences));
    }

    [Fact]
    public async Task What_changes_a_domain_says_what_virsh_says()
    {
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync(Token);
        using PrivateDirectory directory = new();
        string firmware = directory.File("halt.bin");
        HaltFirmware.WriteTo(firmware);
        foreach (string command in OfTheRunning)
        {
            List<(int, string, string)> outcomes = [];
            foreach (string program in (string[])["virsh", BallastProgram.Path])
            {
                string name = await daemon.CreateDomainAsync(Domain("runs", firmware), Token);
                if (command.StartsWith("resume", StringComparison.Ordinal))
                    await daemon.VirshAsync(["suspend", name], Token);
                foreach (string connecting in (string[])["-r", "-q", ""])
                {
                    CommandResult result = await RunAsync(program, daemon, $"{connecting} {command}", name);
                    outcomes.Add((result.ExitCode, result.Output, result.Errors));
                }

                CommandResult state = await daemon.VirshAsync(["domstate", name, "--reason"], Token);
                outcomes.Add((state.ExitCode, state.Output, state.Errors));
                _ = await daemon.VirshAsync(["destroy", name], Token);
            }

            Assert.Equal((command, string.Join('\n', outcomes.Take(outcomes.Count / 2))), (command, string.Join('\n', outcomes.Skip(outcomes.Count / 2))));
        }
    }

    [Fact]
    public async Task A_job_that_is_over_is_told_alike()
    {
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync(Token);
        using PrivateDirectory directory = new();
        string firmware = directory.File("halt.bin");
        HaltFirmware.WriteTo(firmware);
        string paused = await daemon.CreatePausedDomainAsync(Domain("waits", firmware), Token);
        Assert.Equal("", (await daemon.VirshAsync(["dump", paused, directory.File("dump")], Token)).Errors);
        List<string> differences = [];
        await CompareAllAsync(
            daemon, ["domjobinfo D", "domjobinfo D --completed --keep-completed", "domjobinfo D --completed --keep-completed --rawstats", "domjobinfo D --completed --keep-completed --anystats"],
            paused, differences);
        Assert.True(differences.Count == 0, string.Join("\n\n", differences));
        Assert.Contains("Memory total:", (await RunAsync(BallastProgram.Path, daemon, "domjobinfo D --completed", paused)).Output, StringComparison.Ordinal);
    }

    private static async Task CompareAllAsync(LibvirtDaemon daemon, string[] commands, string domain, List<string> differences)
    {
        foreach (string command in commands)
        {
            CommandResult theirs = await RunAsync("virsh", daemon, command, domain), ours = await RunAsync(BallastProgram.Path, daemon, command, domain);
            if ((theirs.ExitCode, theirs.Output, theirs.Errors) != (ours.ExitCode, ours.Output, ours.Errors))
                differences.Add($"{command} ({domain})\nvirsh: {theirs.ExitCode}\n{theirs.Output}{theirs.Errors}\nours: {ours.ExitCode}\n{ours.Output}{ours.Errors}");
        }
    }

    private static async Task<CommandResult> RunAsync(string program, LibvirtDaemon daemon, string command, string domain)
    {
        CommandResult result = await ChildProcess.RunAsync(
            program, ["-c", daemon.Uri, .. command.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word == "D" ? domain : word)],
            new Dictionary<string, string> { ["LC_ALL"] = "C.UTF-8" }, cancellationToken: Token);
        return result with { Errors = BallastProgram.WithoutHints(result.Errors) };
    }

    private static string Domain(string name, string firmware) =>
        $"""
        <domain type='qemu'>
          <name>{name}</name><title>The é title of &lt;{name}&gt;</title>
          <memory unit='MiB'>64</memory><vcpu current='1'>3</vcpu>
          <os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>{firmware}</loader></os>
          <features><acpi/></features>
          <devices>
            <controller type='usb' model='none'/>
            <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>
            <interface type='user'><mac address='52:54:00:11:22:33'/><model type='e1000'/></interface>
            <memballoon model='virtio'/>
          </devices>
        </domain>
        """;
}
