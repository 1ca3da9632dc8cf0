using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Memory that somebody else plugs into a real QEMU, as libvirtd, our driver in this process and ballastd tell it.</summary>
[Trait("needs", "qemu")]
public sealed class PluggedMemoryTests
{
    private const string Name = "guest";
    private const int MiB = 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("needs", "libvirtd")]
    public async Task Sizes_are_libvirtds()
    {
        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("halt.bin"));
        await using LibvirtDaemon libvirt = await LibvirtDaemon.StartAsync(Token);
        _ = await libvirt.CreateDomainAsync(
            DomainXml.WithMemorySlots(Name, directory.File("halt.bin"), [directory.File("m1"), directory.File("m2")]), Token);
        await using BallastDaemon ballast = await BallastDaemon.StartAsync(Token, "--qmp", directory.File("m2"));
        await using Connection ours = await OpenAsync(directory.File("m1"));
        await CheckAsync(256, 256);

        await libvirt.AttachDeviceAsync(Name, DomainXml.MemoryDevice(isDimm: true, 128), Token);
        await CheckAsync(384, 384);

        // Nobody takes any of it in this guest; libvirt counts all of it as what the guest could have.
        await libvirt.AttachDeviceAsync(Name, DomainXml.MemoryDevice(isDimm: false, 128), Token);
        await CheckAsync(512, 384);
        await libvirt.AttachDeviceAsync(Name, DomainXml.MemoryDevice(isDimm: true, 256), Token);
        await CheckAsync(768, 640);

        foreach ((int mib, bool isTaken) in ((int, bool)[])[(640, true), (641, false), (768, false)])
        {
            string[] command = ["setmem", Name, $"{mib}M"];
            CommandResult theirs = await libvirt.VirshAsync(command, Token), same = await ballast.VirshAsync(command, Token);
            Assert.Equal((isTaken, theirs.ExitCode, theirs.Errors), (theirs.ExitCode == 0, same.ExitCode, same.Errors));
        }

        async Task CheckAsync(int maximum, int current)
        {
            await Deadline.UntilAsync(Deadline.Default, $"{maximum} and {current} MiB of all", async token =>
            {
                DomainInfo info = await Assert.Single(await ours.ListDomainsAsync(cancellationToken: token)).GetInfoAsync(token);
                string[] theirs = await SizesAsync(libvirt.VirshAsync), daemons = await SizesAsync(ballast.VirshAsync);
                return theirs.Take(2).SequenceEqual([$"{maximum * MiB}", $"{current * MiB}"]) && theirs.SequenceEqual(daemons)
                    && theirs.Take(2).SequenceEqual([$"{info.MaxMemoryKiB}", $"{info.MemoryKiB}"]);
            }, Token, TimeSpan.FromMilliseconds(300));
        }
    }

    /// <summary>libvirtd would not know of it; QEMU's own numbers are the oracle.</summary>
    [Fact]
    public async Task What_another_monitor_plugs_is_told_by_all()
    {
        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("halt.bin"));
        await using QemuProcess qemu = await QemuProcess.StartAsync(new QemuOptions
        {
            Monitors = 3,
            Arguments =
            [
                "-accel", "tcg,tb-size=1", "-M", "pc", "-m", "256,slots=4,maxmem=2G", "-nodefaults", "-no-user-config", "-display", "none", "-name", Name,
                "-bios", directory.File("halt.bin"), "-device", "virtio-balloon-pci,id=balloon0",
            ],
        }, Token);
        await using OracleMonitor oracle = await OracleMonitor.ConnectAsync(qemu.MonitorPaths[2], cancellationToken: Token);
        await using BallastDaemon ballast = await BallastDaemon.StartAsync(Token, "--qmp", qemu.MonitorPaths[1]);
        await using Connection ours = await OpenAsync(qemu.MonitorPaths[0]);
        await CheckAsync(256, 256);
        await PlugAsync("pc-dimm", "d1", 128);
        await CheckAsync(384, 384);
        await PlugAsync("virtio-mem-pci", "v1", 128);
        await CheckAsync(512, 384);
        await PlugAsync("pc-dimm", "d2", 64);
        await CheckAsync(576, 448);

        async Task PlugAsync(string driver, string id, long mib)
        {
            _ = await oracle.ExecuteAsync("object-add", new Dictionary<string, object>
            {
                ["qom-type"] = "memory-backend-ram",
                ["id"] = $"m{id}",
                ["size"] = mib * MiB * 1024,
            }, cancellationToken: Token);
            _ = await oracle.ExecuteAsync("device_add", new { driver, id, memdev = $"m{id}" }, cancellationToken: Token);
        }

        async Task CheckAsync(int maximum, int current)
        {
            Assert.Equal((long)current * MiB * 1024, await oracle.BalloonActualAsync(Token));
            string[] expected = [$"{maximum * MiB}", $"{current * MiB}", $"{maximum * MiB}", $"{current * MiB}", $"{current * MiB}"];
            await Deadline.UntilAsync(Deadline.Default, string.Join(", ", expected), async token =>
            {
                Domain domain = Assert.Single(await ours.ListDomainsAsync(cancellationToken: token));
                DomainInfo info = await domain.GetInfoAsync(token);
                IReadOnlyList<TypedParameter> stats = Assert.Single(await ours.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: token)).Parameters;
                string[] mine =
                [
                    $"{info.MaxMemoryKiB}", $"{info.MemoryKiB}", $"{stats[1].AsUInt64()}", $"{stats[0].AsUInt64()}",
                    $"{(await domain.GetMemoryStatsAsync(cancellationToken: token)).ActualKiB}",
                ];
                return mine.SequenceEqual(expected) && (await SizesAsync(ballast.VirshAsync)).SequenceEqual(expected);
            }, Token, TimeSpan.FromMilliseconds(300));
        }
    }

    /// <summary>What virsh prints: dominfo's and domstats' largest and current size, and dommemstat's balloon.</summary>
    private static async Task<string[]> SizesAsync(Func<IEnumerable<string>, CancellationToken, Task<CommandResult>> virsh)
    {
        string info = (await virsh(["dominfo", Name], Token)).Output, stats = (await virsh(["domstats", "--balloon", Name], Token)).Output,
            memory = (await virsh(["dommemstat", Name], Token)).Output;
        return
        [
            Number(info, "Max memory:"), Number(info, "Used memory:"), Number(stats, "balloon.maximum="), Number(stats, "balloon.current="),
            Number(memory, "actual "),
        ];
    }

    private static string Number(string text, string label)
    {
        int start = text.IndexOf(label, StringComparison.Ordinal);
        return start < 0 ? text : new string([.. text[(start + label.Length)..].TrimStart().TakeWhile(char.IsAsciiDigit)]);
    }

    private static ValueTask<Connection> OpenAsync(string path) =>
        Connection.OpenAsync($"qmp://{path}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
}
