using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>What single disks, network interfaces and I/O threads tell, from libvirtd and from the same QEMU's second monitor.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
public sealed class DeviceFactsComparisonTests
{
    private const int ImageBytes = (3 * 1024 * 1024) + 512;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Disks_interfaces_and_threads_tell_the_same_as_libvirts()
    {
        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("firmware"));
        await using (FileStream raw = File.Create(directory.File("raw")))
        {
            raw.SetLength(ImageBytes);
            await raw.WriteAsync(new byte[8192], Token);
        }

        CommandResult image = await ChildProcess.RunAsync("qemu-img", ["create", "-f", "qcow2", directory.File("qcow2"), "16M"], cancellationToken: Token);
        Assert.True(image.ExitCode == 0, image.Errors);

        // QEMU tells sizes in whole sectors.
        await using (FileStream qcow2 = File.OpenWrite(directory.File("qcow2")))
            qcow2.SetLength(256 * 1024);
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(Token);
        await libvirtd.CreatePausedDomainAsync(
            $"""
            <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>devices</name>
            <memory unit='MiB'>64</memory><vcpu>1</vcpu><iothreads>2</iothreads>
            <os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>{directory.File("firmware")}</loader></os>
            <devices><controller type='usb' model='none'/>
            <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{directory.File("raw")}'/><target dev='vda' bus='virtio'/></disk>
            <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{directory.File("qcow2")}'/><target dev='vdb' bus='virtio'/></disk>
            <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>
            <interface type='ethernet'><mac address='52:54:00:11:22:33'/><target dev='ballast0'/></interface></devices>
            <qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='unix:{directory.File("qmp")},server=on,wait=off'/></qemu:commandline>
            </domain>
            """, Token);
        await using Connection theirs = await Connection.OpenAsync(libvirtd.Uri, cancellationToken: Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, ["--qmp", directory.File("qmp")]);
        await using Connection ours = await Connection.OpenAsync(daemon.Uri, cancellationToken: Token);
        Domain left = await theirs.LookupByNameAsync("devices", Token), right = await ours.LookupByNameAsync("devices", Token);

        DomainBlockInfo before = await CompareDisksAsync();
        foreach (string disk in (string[])["virtio-disk0", "virtio-disk1"])
        {
            _ = await libvirtd.VirshAsync(
                ["qemu-monitor-command", "devices", "--hmp", $"qemu-io -d /machine/peripheral/{disk}/virtio-backend \"write 1M 64k\""], Token);
        }

        Assert.NotEqual(before.AllocationBytes, (await CompareDisksAsync()).AllocationBytes);

        foreach (string disk in (string[])["vdz", "hdc", ""])
        {
            Assert.Equal(
                await RefusedAsync(left.GetBlockInfoAsync(disk, Token).AsTask()), await RefusedAsync(right.GetBlockInfoAsync(disk, Token).AsTask()));
        }

        Assert.Equal(await RefusedAsync(left.GetBlockCountersAsync("vdz", Token).AsTask()), await RefusedAsync(right.GetBlockCountersAsync("vdz", Token).AsTask()));
        Assert.Equal(
            (await theirs.GetDomainStatsAsync([left], DomainStatsGroups.Iothread, cancellationToken: Token))[0].Parameters,
            (await ours.GetDomainStatsAsync([right], DomainStatsGroups.Iothread, cancellationToken: Token))[0].Parameters);

        // The host's own kernel sends what a new link needs, so the counters move now and then.
        await Deadline.UntilAsync(
            Deadline.Default, "the same counters of the network interface",
            async token => await left.GetInterfaceStatsAsync("ballast0", token) is { Received.Packets: > 0, Sent.Packets: 0 } stats
                && stats == await right.GetInterfaceStatsAsync("ballast0", token), Token);
        Assert.Equal(
            await RefusedAsync(left.GetInterfaceStatsAsync("lo", Token).AsTask()), await RefusedAsync(right.GetInterfaceStatsAsync("lo", Token).AsTask()));

        // libvirt's own client.
        foreach (string[] command in (string[][])[["domblkinfo", "devices", "vda"], ["domblkinfo", "devices", "vdb", "--human"], ["domblkstat", "devices", "vdb"]])
        {
            CommandResult of = await libvirtd.VirshAsync(command, Token);
            Assert.Equal((0, of), (of.ExitCode, await ChildProcess.RunAsync("virsh", ["-c", daemon.Uri, .. command], cancellationToken: Token)));
        }

        async Task<DomainBlockInfo> CompareDisksAsync()
        {
            DomainBlockInfo info = default;
            foreach (string disk in (string[])["vda", "vdb", directory.File("raw")])
            {
                info = await left.GetBlockInfoAsync(disk, Token);
                Assert.NotEqual(default, info);
                Assert.Equal((disk, info), (disk, await right.GetBlockInfoAsync(disk, Token)));
                DomainBlockCounters counters = await left.GetBlockCountersAsync(disk, Token);
                Assert.NotNull(counters.ReadRequests);
                Assert.Equal((disk, counters), (disk, await right.GetBlockCountersAsync(disk, Token)));
            }

            return info;
        }
    }

    private static async Task<(ErrorCode Code, ErrorOrigin Origin, string Message)> RefusedAsync(Task call)
    {
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => call);
        return (refused.Code, refused.Origin, refused.Message);
    }
}
