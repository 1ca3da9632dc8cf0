using System.Globalization;
using Ballast.Guests;
using QemuProcess = Ballast.Drivers.Qemu.Processes.QemuProcess;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A process's TAP devices are found among its descriptors, of which it may have any number, each with as much to tell as its owner likes.</summary>
[Trait("needs", "qemu")]
public sealed class TapTests : IDisposable
{
    private const string Tap = "x";

    // Opens so many descriptors of a pipe, all watched by one epoll, then perhaps the device, and makes a file.
    private const string Program = """
        import fcntl, os, resource, select, struct, sys, time
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        watched, tap = int(sys.argv[1]), sys.argv[2]
        poll, pipe = select.epoll(), os.pipe()
        for _ in range(watched):
            poll.register(os.dup(pipe[0]), select.EPOLLIN)
        if tap:
            fcntl.ioctl(os.open("/dev/net/tun", os.O_RDWR), 0x400454ca, struct.pack("16sH22x", tap.encode(), 0x1002))
        os.close(os.open(sys.argv[3], os.O_CREAT | os.O_WRONLY))
        time.sleep(300)
        """;

    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_a_process_watches_costs_nobody_who_looks_for_its_devices()
    {
        const int watched = 15_000, most = 1_000_000, leastText = 1_000_000;
        await using ChildProcess child = await StartAsync(watched, "");
        using QemuProcess process = QemuProcess.Find(child.Pid)!;
        Assert.Contains(
            Directory.EnumerateFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{child.Pid}/fdinfo")),
            file => File.ReadAllText(file).Length > leastText);
        Assert.Null(process.ReadTap(Tap, Token));

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(process.ReadTap(Tap, Token));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
        Assert.Throws<OperationCanceledException>(() => process.ReadTap(Tap, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_device_is_found_among_others_and_of_strangers_nothing_is_read()
    {
        // A container may have no such devices; then none is found.
        bool hasDevices = File.Exists("/dev/net/tun");
        await using ChildProcess child = await StartAsync(100, hasDevices ? Tap : "");
        using QemuProcess process = QemuProcess.Find(child.Pid)!;
        InterfaceTraffic none = new(0, 0, 0, 0);
        Assert.Equal(hasDevices ? new DomainInterfaceStats(none, none) : null, process.ReadTap(Tap, Token));
        Assert.All(["y", "lo", "", "xx"], name => Assert.Null(process.ReadTap(name, Token)));

        using QemuProcess stranger = QemuProcess.FindStranger(child.Pid, 0, mayRead: true)!;
        Assert.Null(stranger.ReadTap(Tap, Token));
    }

    // In a network namespace of its own, which ends with it.
    private async Task<ChildProcess> StartAsync(int watched, string tap)
    {
        ChildProcess child = await ChildProcess.StartAsync(
            "unshare",
            ["--net", "bash", "-c", "exec -a qemu-system-x86_64 /usr/bin/python3 -c \"$@\"", "bash", Program, watched.ToString(CultureInfo.InvariantCulture), tap, _directory.File("ready")]);
        await Waiting.UntilAsync("descriptors", () => File.Exists(_directory.File("ready")));
        return child;
    }
}
