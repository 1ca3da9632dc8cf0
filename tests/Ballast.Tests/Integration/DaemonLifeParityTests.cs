using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Integration;

/// <summary>
/// Commands that change or end a guest: unmodified virsh runs them on libvirtd, and then, on another guest of the same kind, on
/// ballastd. What it prints is equal but for <see cref="DaemonDifferences"/>.
/// </summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
public sealed class DaemonLifeParityTests
{
    private const string Name = DaemonDifferences.Name, Measured = "until measured";

    private const string State = $"domstate {Name} --reason";

    /// <summary>Each with a guest of its own, which runs.</summary>
    private static readonly string[][] Lives =
    [
        [$"suspend {Name}", State, $"suspend {Name}", $"dommemstat {Name}", "domstats --state --balloon --vcpu", "list --state-paused", "list --state-running", $"resume {Name}", State, $"resume {Name}"],
        [$"-q suspend {Name}", $"-q resume {Name}", $"dominfo {Name}"],
        [$"reset {Name}", State, "domstats --state", $"suspend {Name}", $"reset {Name}", State, $"resume {Name}", State],
        [$"shutdown {Name}", State, $"shutdown {Name} --mode acpi", $"shutdown {Name} --mode acpi,agent", State],
        [$"suspend {Name}", $"shutdown {Name}", $"shutdown {Name} --mode acpi", $"shutdown {Name} --mode agent", State],
        [$"dompmwakeup {Name}", State, $"suspend {Name}", $"dompmwakeup {Name}", State],
        [$"destroy {Name}", State, "list --all", $"destroy {Name}", $"dominfo {Name}", $"dumpxml {Name}", $"setmem {Name} 32M", $"suspend {Name}", "domstats"],
        [$"destroy {Name} --graceful", "list --all", $"dommemstat {Name}", $"domstats {Name}"],
        [$"suspend {Name}", $"destroy {Name} --graceful", "list --all"],
        [$"destroy {Name} --remove-logs", "list --all", $"reset {Name}"],
        [
            $"setmem {Name} 32M", $"setmaxmem {Name} 32M", $"dommemstat {Name} --period 7", $"dumpxml {Name} --xpath //memballoon/stats", $"dommemstat {Name} --period 0",
            $"dumpxml {Name} --xpath //memballoon/stats", $"suspend {Name}", $"setmem {Name} 48M --live", $"dommemstat {Name} --period 3 --live",
        ],
        [
            "domstats --dirtyrate", $"domdirtyrate-calc {Name} --mode dirty-ring", $"domdirtyrate-calc {Name} --seconds 1 --mode page-sampling", Measured,
            "domstats --dirtyrate", State,
        ],
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Virsh_changes_and_ends_guests_of_both_alike()
    {
        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("firmware"));
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(Token);
        List<string> differences = [];
        foreach (string[] life in Lives)
        {
            List<string> theirs = await LiveAsync(life, libvirtd, directory, isOurs: false);
            List<string> ours = await LiveAsync(life, libvirtd, directory, isOurs: true);
            differences.AddRange(theirs.Zip(ours).Where(pair => pair.First != pair.Second)
                .Select(pair => $"{string.Join("; ", life)}\n--- libvirtd\n{pair.First}\n--- ballastd\n{pair.Second}"));
        }

        Assert.True(differences.Count == 0, string.Join("\n\n", differences));
    }

    /// <summary>Whichever mode is asked for, the guest lives on: QEMU itself would crash where it has no KVM.</summary>
    [Fact]
    public async Task A_measurement_that_QEMU_would_not_survive_is_refused()
    {
        await using QemuProcess qemu = await QemuProcess.StartPcAsync([], monitors: 1, Token);
        await using Connection connection = await Connection.OpenAsync($"qmp://{qemu.MonitorPaths[0]}?timeout=20s", cancellationToken: Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        foreach (DirtyRateMode mode in (DirtyRateMode[])[DirtyRateMode.DirtyBitmap, DirtyRateMode.DirtyRing])
            await domain.StartDirtyRateAsync(TimeSpan.FromSeconds(1), mode, Token).AsTask().FailsAsync(ErrorCode.OperationUnsupported);
        Assert.Equal(DomainState.Paused, (await domain.GetStateAsync(Token)).State);
        Assert.False(qemu.HasExited);
    }

    private static async Task<List<string>> LiveAsync(string[] life, LibvirtDaemon libvirtd, PrivateDirectory directory, bool isOurs)
    {
        _ = await libvirtd.CreateDomainAsync(Domain(directory), Token);
        await using BallastDaemon? ballastd = isOurs ? await BallastDaemon.StartAsync(Token, "--qmp", directory.File("qmp")) : null;
        List<string> said = [];
        foreach (string line in life)
        {
            if (line == Measured)
            {
                await Deadline.UntilAsync(Deadline.Default, line, async token =>
                    (await RunAsync("domstats --dirtyrate")).Output.Contains("dirtyrate.calc_status=2", StringComparison.Ordinal), Token);
                continue;
            }

            said.Add($"{line}: {DaemonDifferences.Normal(await RunAsync(line))}");
        }

        // libvirtd takes a moment to see that a QEMU of its own was ended by somebody else.
        _ = await libvirtd.VirshAsync(["destroy", Name], Token);
        await Deadline.UntilAsync(Deadline.Default, "the guest's end", async token =>
            !(await libvirtd.VirshAsync(["list", "--name"], token)).Output.Contains(Name, StringComparison.Ordinal), Token);
        return said;

        Task<CommandResult> RunAsync(string line)
        {
            string[] words = line.Split(' ');
            return ballastd is null ? libvirtd.VirshAsync(words, Token) : ballastd.VirshAsync(words, Token);
        }
    }

    private static string Domain(PrivateDirectory directory) =>
        $"""
        <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
          <name>{Name}</name><uuid>8d8f60b4-1d2c-4c1c-9b4b-0f4f6f1a2b3c</uuid>
          <memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>
          <os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>{directory.File("firmware")}</loader></os>
          <features><acpi/></features>
          <devices>
            <controller type='usb' model='none'/>
            <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>
            <memballoon model='virtio'><stats period='2'/></memballoon>
          </devices>
          <qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='unix:{directory.File("qmp")},server=on,wait=off'/></qemu:commandline>
        </domain>
        """;
}
