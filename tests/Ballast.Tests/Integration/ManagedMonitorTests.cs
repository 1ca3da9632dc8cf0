using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Directories that a setting gives to a manager.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "virsh")]
[Collection(ExclusiveCollection.Name)]
public sealed class ManagedMonitorTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    // As the managers start them: below a home, or, where the path is the system's, in a container with a root of its own.
    [Theory]
    [InlineData(ContainerKind.Host, "DIR/.lima/default", "qmp.sock", "char-qmp", "lima")]
    [InlineData(ContainerKind.Host, "DIR/podman", "qmp_default.sock", null, "podman machine")]
    [InlineData(ContainerKind.Host, "DIR/.minikube/machines/minikube", "monitor", null, "minikube")]
    [InlineData(ContainerKind.Host, "DIR/run/vc/vm/aed7737c", "qmp.sock", null, "Kata Containers")]
    [InlineData(ContainerKind.Host, "DIR/libvirt/qemu/run", "monitor.sock", null, "libvirt")]
    [InlineData(ContainerKind.Host, "DIR", "vm.sock", "charmonitor", "libvirt")]
    [InlineData(ContainerKind.Whole, "/run/shm", "qemu-qmp-ballooning.sock", null, "the qemus/qemu container")]
    [InlineData(ContainerKind.Whole, "/run/qemu-server", "100.qmp", "qmp", "Proxmox VE")]
    [InlineData(ContainerKind.Whole, "/run/ganeti/kvm-hypervisor/ctrl", "vm.qmp", null, "Ganeti")]
    [InlineData(ContainerKind.Whole, "/run/incus/vm", "qemu.monitor", "monitor", "Incus")]
    [InlineData(ContainerKind.Whole, "/srv/lxd/logs/vm", "qemu.monitor", "monitor", "Incus or LXD")]
    public async Task A_known_managers_monitor_is_left_free(ContainerKind kind, string directory, string file, string? chardevId, string manager)
    {
        directory = directory.Replace("DIR", _directory.Path, StringComparison.Ordinal);
        if (kind == ContainerKind.Host)
            _ = Directory.CreateDirectory(directory);
        await using Container qemu = await Container.StartAsync(
            new ContainerOptions { Kind = kind, DirectoryPath = directory, Monitor = file, ChardevId = chardevId, Oracle = null, Name = "managed" }, Token);
        await using Connection connection = await Connection.OpenAsync("qmp:///", cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync("managed", Token);
        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(qemu.Pid, domain.Id);
        Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
        Assert.Contains($"belongs to {manager}:", sample.Detail, StringComparison.Ordinal);
        Assert.NotNull(sample.RssKiB);
        await IsFreeAsync(qemu);
    }

    [Fact]
    public async Task A_managers_monitor_is_listed_with_its_name_and_left_free()
    {
        await using Container qemu = await StartAsync();
        ConnectionOptions how = new() { ManagedDirectories = new Dictionary<string, string> { [_directory.Path] = "a manager of ours" } };
        await using Connection connection = await Connection.OpenAsync("qmp:///", how, Token);
        Domain domain = await connection.LookupByNameAsync("managed", Token);
        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
        Assert.Contains("belongs to a manager of ours", sample.Detail, StringComparison.Ordinal);
        Assert.NotNull(sample.RssKiB);
        await IsFreeAsync(qemu);

        // Naming it is consent. QEMU may take a moment to see that the visitor has left.
        await Deadline.UntilAsync(Deadline.Default, "the numbers of a named monitor", async token =>
        {
            try
            {
                await using Connection named = await Connection.OpenAsync($"qmp://{qemu.MonitorPath}", how, token);
                Domain same = Assert.Single(await named.ListDomainsAsync(cancellationToken: token));
                return (await same.GetMemoryStatsAsync(cancellationToken: token)).ActualKiB == (ulong)qemu.MemoryKib;
            }
            catch (LibvirtException e) when (e.Code == ErrorCode.ResourceBusy)
            {
                return false;
            }
        }, Token);
    }

    [Fact]
    public async Task Ballastd_reads_them_from_its_configuration()
    {
        await using Container qemu = await StartAsync();
        string file = _directory.File("ballastd.conf");
        await File.WriteAllTextAsync(file, $"managed_dirs = [\"other=/not/there\", \"mine={_directory.Path}\"]\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", file);
        CommandResult stats = await daemon.VirshAsync(["dommemstat", "managed"], Token);
        Assert.Equal((1, ""), (stats.ExitCode, stats.Output.Trim()));
        Assert.Contains("belongs to mine", stats.Errors, StringComparison.Ordinal);
        Assert.Contains("managed", (await daemon.VirshAsync(["list", "--all", "--name"], Token)).Output, StringComparison.Ordinal);
        await IsFreeAsync(qemu);
    }

    [Theory]
    [InlineData("mine")]
    [InlineData("mine=relative")]
    [InlineData("=/run/mine")]
    public async Task What_is_no_manager_and_directory_is_refused_by_name(string value)
    {
        string file = _directory.File("ballastd.conf");
        await File.WriteAllTextAsync(file, $"managed_dirs = [\"{value}\"]\n", Token);
        CommandResult result = await ChildProcess.RunAsync(BallastDaemon.Program, ["--check", "--config", file], cancellationToken: Token);
        Assert.Equal(
            $"ballastd: {file}:1: managed_dirs: '{value}' is not NAME=DIRECTORY, a manager and an absolute path\n", result.Errors);
        Assert.Equal(2, result.ExitCode);
    }

    private Task<Container> StartAsync() => Container.StartAsync(
        new ContainerOptions { Kind = ContainerKind.Host, DirectoryPath = _directory.Path, Name = "managed" }, Token);

    // A monitor that somebody else held would let the next one wait for its greeting.
    private static async Task IsFreeAsync(Container qemu)
    {
        await using OracleMonitor owner = await OracleMonitor.ConnectAsync(qemu.ReachableMonitorPath, TimeSpan.FromSeconds(2), Token);
    }
}
