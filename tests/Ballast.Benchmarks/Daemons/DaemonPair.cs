using System.Collections.Concurrent;
using System.Globalization;
using Ballast.Guests;

namespace Ballast.Benchmarks.Daemons;

/// <summary>libvirtd and ballastd, with as many QEMUs of the same kind under each. Everything ends with it.</summary>
internal sealed class DaemonPair : IAsyncDisposable
{
    /// <summary>The domain that single calls ask.</summary>
    public const string FirstDomain = "bench0";

    // As many as there are processors where this was made; more only make each start slower.
    private const int StartsAtOnce = 2;

    private const string Firmware = "halt.bin";

    private readonly LibvirtDaemon _libvirtd;
    private readonly PrivateDirectory _directory;
    private readonly ChildProcess _ballastd;
    private readonly ConcurrentDictionary<int, ChildProcess> _qemus = [];

    private DaemonPair(LibvirtDaemon libvirtd, ChildProcess ballastd, PrivateDirectory directory)
    {
        _libvirtd = libvirtd;
        _ballastd = ballastd;
        _directory = directory;
        LibvirtdSocket = libvirtd.SocketPath;
        OurSocket = directory.File("sock");
        Libvirtd = new("libvirtd", libvirtd.Uri, libvirtd.Pid);
        Ours = new("ballastd", $"qemu+unix:///system?socket={directory.File("sock")}", ballastd.Pid);
    }

    /// <summary>Why there can be none on this machine; null where there can.</summary>
    public static string? Obstacle => Environment.IsPrivilegedProcess && !string.IsNullOrEmpty(Ballastd)
        ? null
        : "A libvirtd of our own needs root, and BALLAST_DAEMON must name the native ballastd (./build): left out.";

    public Daemon Libvirtd { get; }

    public Daemon Ours { get; }

    /// <summary>Where libvirtd listens on this host.</summary>
    public string LibvirtdSocket { get; }

    /// <summary>Where ballastd does.</summary>
    public string OurSocket { get; }

    private static string? Ballastd => Environment.GetEnvironmentVariable("BALLAST_DAEMON");

    /// <param name="domains">How many QEMUs each has.</param>
    /// <param name="network">Where they listen for other hosts too, and the directory of their certificates.</param>
    public static async Task<DaemonPair> StartAsync(int domains, NetworkPorts? network = null)
    {
        PrivateDirectory directory = new();
        _ = Directory.CreateDirectory(directory.File("monitors"));

        // Nobody's processor runs: a hundred machines that look for something to boot keep a small host busy.
        HaltFirmware.WriteTo(directory.File(Firmware));
        LibvirtDaemon libvirtd = network is { } listen
            ? await LibvirtDaemon.StartAsync(listen.LibvirtdTcp, CancellationToken.None, (listen.LibvirtdTls, listen.Pki))
            : await LibvirtDaemon.StartAsync();
        ChildProcess ballastd = await ChildProcess.StartAsync(
            Ballastd!,
            ["--config", "/dev/null", "--socket", directory.File("sock"), "--qmp", directory.File("monitors"), .. network is { } ours
                ? (string[])["--tcp", $"127.0.0.1:{ours.OurTcp}", "--tcp-write", "--tls", $"127.0.0.1:{ours.OurTls}", "--pki", ours.Pki] : []]);
        await Deadline.UntilAsync(
            Deadline.Default, "ballastd", _ => Task.FromResult(ballastd.Errors.Contains("listens on", StringComparison.Ordinal)), CancellationToken.None);
        DaemonPair pair = new(libvirtd, ballastd, directory);
        await pair.GrowAsync(domains);
        return pair;
    }

    /// <summary>Starts QEMUs until there are so many under each daemon.</summary>
    public async Task GrowAsync(int domains)
    {
        int[] missing = [.. Enumerable.Range(_qemus.Count, domains - _qemus.Count)];
        ParallelOptions bounded = new() { MaxDegreeOfParallelism = StartsAtOnce };
        await Parallel.ForEachAsync(missing, bounded, async (i, token) =>
            await _libvirtd.CreateDomainAsync(DomainXml.WithoutGuest(Name(i), firmware: _directory.File(Firmware)), token));
        await Parallel.ForEachAsync(missing, bounded, async (i, _) =>
            _qemus[i] = await StartQemuAsync(Name(i)));
    }

    /// <summary>
    /// Daemons run for weeks: ballastd trusts a balloon's size when it has known the monitor for five seconds, which are not
    /// what is measured.
    /// </summary>
    public async Task SettleAsync()
    {
        foreach (IDaemonClient client in (IDaemonClient[])[.. await Libvirtd.OpenManyAsync(ClientKind.Ours, 1), .. await Ours.OpenManyAsync(ClientKind.Ours, 1)])
        {
            _ = await client.GetMemoryStatsAsync();
            await client.DisposeAsync();
        }

        await Task.Delay(TimeSpan.FromSeconds(6));
    }

    /// <summary>The QEMU of a domain under one of the daemons.</summary>
    public int QemuPid(Daemon daemon, int domain) => daemon == Ours ? _qemus[domain].Pid : _libvirtd.DomainPid(Name(domain));

    public async ValueTask DisposeAsync()
    {
        await _ballastd.DisposeAsync();
        foreach (ChildProcess qemu in _qemus.Values)
            await qemu.DisposeAsync();
        await _libvirtd.DisposeAsync();
        _directory.Dispose();
    }

    public static string Name(int domain) => string.Create(CultureInfo.InvariantCulture, $"bench{domain}");

    /// <summary>A QEMU such as libvirt starts for <see cref="DomainXml.WithoutGuest"/>.</summary>
    private async Task<ChildProcess> StartQemuAsync(string name)
    {
        string socket = _directory.File($"monitors/{name}.sock");
        ChildProcess qemu = await ChildProcess.StartAsync("qemu-system-x86_64",
        [
            "-name", $"guest={name},debug-threads=on", "-uuid", $"{Guid.NewGuid()}", "-machine", "q35,usb=off,dump-guest-core=off", "-accel", "tcg", "-m", "64",
            "-bios", _directory.File(Firmware), "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none", "-qmp", $"unix:{socket},server=on,wait=off",
            .. Enumerable.Range(1, 5).SelectMany(port => new[] { "-device", $"pcie-root-port,id=pci.{port},chassis={port},port={15 + port},bus=pcie.0,addr=0x{port + 1:x}" }),
            "-device", "virtio-balloon-pci,id=balloon0,bus=pci.2",
        ]);
        await Deadline.UntilAsync(Deadline.Default, socket, _ => Task.FromResult(File.Exists(socket)), CancellationToken.None);
        return qemu;
    }
}

/// <summary>Ports of loopback, and the directory of the certificates.</summary>
internal readonly record struct NetworkPorts(int LibvirtdTcp, int LibvirtdTls, int OurTcp, int OurTls, string Pki);
