using Ballast.Virtio;

namespace Ballast.Guests;

/// <summary>
/// A guest without a kernel: the test is the driver of QEMU's real balloon device, and can report and do whatever a
/// guest can, at an exact moment. It starts in tens of milliseconds, and its processor never runs.
/// </summary>
public sealed class DrivenGuest : IAsyncDisposable
{
    public const int PageSize = 4096;

    private const uint BalloonDeviceId = 5;

    // Everything that a microvm can do without: it starts faster and takes less of the host's memory.
    private const string Machine =
        "microvm,pic=off,pit=off,rtc=off,isa-serial=off,acpi=off,x-option-roms=off,auto-kernel-cmdline=off";

    private readonly QtestConnection _qtest;
    private readonly BalloonDriver _driver;
    private readonly VirtioMmioDevice _device;
    private readonly SemaphoreSlim _connectingOracle = new(1);
    private OracleMonitor? _oracle;
    private bool _disposed;

    private DrivenGuest(QemuProcess process, QtestConnection qtest, VirtioMmioDevice device, string balloonPath)
    {
        Process = process;
        BalloonPath = balloonPath;
        _qtest = qtest;
        _device = device;
        _driver = new BalloonDriver(qtest, device);
    }

    public QemuProcess Process { get; }

    public int Pid => Process.Pid;

    /// <summary>The monitor for the program under test.</summary>
    public string MonitorPath => Process.MonitorPaths[0];

    /// <summary>Where the balloon lies in QEMU's object tree.</summary>
    public string BalloonPath { get; }

    /// <summary>How often QEMU has polled the guest.</summary>
    public int PollCount => _driver.PollCount;

    /// <summary>Whether the guest sets its balloon's size to whatever the host asks for, as soon as it asks.</summary>
    public bool FollowTarget
    {
        get => _driver.FollowTarget;
        set => _driver.FollowTarget = value;
    }

    public static async Task<DrivenGuest> StartAsync(
        DrivenGuestOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new DrivenGuestOptions();
        var directory = options.Directory ?? new PrivateDirectory();
        HaltFirmware.WriteTo(directory.File("halt.bin"));

        // QEMU is the client of this socket, so it must be there before QEMU is.
        using var listener = UnixSocket.Listen(directory.File("qtest.sock"));
        var process = await QemuProcess.StartAsync(
            new QemuOptions { Arguments = [.. Arguments(options, directory)], Monitors = options.Monitors, Directory = directory },
            cancellationToken);
        QtestConnection? qtest = null;
        try
        {
            qtest = new QtestConnection(await Deadline.WithinAsync(
                Deadline.Default, "connection from QEMU's qtest", async token => await listener.AcceptAsync(token), cancellationToken));
            _ = await qtest.ExecuteAsync("irq_intercept_in /machine/ioapic\n", cancellationToken);
            var device = await VirtioMmioDevice.FindAsync(qtest, BalloonDeviceId, cancellationToken);
            var guest = new DrivenGuest(
                process, qtest, device,
                options.BalloonId is null ? "/machine/peripheral-anon/device[0]" : $"/machine/peripheral/{options.BalloonId}");
            if (options.InitialiseDriver)
                await guest.InitialiseDriverAsync(cancellationToken);
            return guest;
        }
        catch
        {
            await process.DisposeAsync();
            if (qtest is not null)
                await qtest.DisposeAsync();
            throw;
        }
    }

    /// <summary>The oracle's own monitor, the last one, connected when first asked for.</summary>
    public async Task<OracleMonitor> OracleAsync(CancellationToken cancellationToken = default)
    {
        await _connectingOracle.WaitAsync(cancellationToken);
        try
        {
            return _oracle ??= await OracleMonitor.ConnectAsync(Process.MonitorPaths[^1], cancellationToken: cancellationToken);
        }
        finally
        {
            _connectingOracle.Release();
        }
    }

    /// <summary>Loads the guest's driver: features, queues, ready. It reports nothing yet.</summary>
    public Task InitialiseDriverAsync(CancellationToken cancellationToken = default) => _driver.InitialiseAsync(cancellationToken);

    /// <summary>Reports statistics; QEMU has taken them when this returns.</summary>
    public Task ReportAsync(IEnumerable<(ushort Tag, ulong Value)> statistics, CancellationToken cancellationToken = default) =>
        _driver.ReportAsync(Encode(statistics), cancellationToken);

    /// <summary>Posts any bytes as a report, such as half an entry.</summary>
    public Task ReportRawAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        _driver.ReportAsync(content, cancellationToken);

    /// <summary>Reports now, and from now on at each poll, what the function returns; it is called from one thread at a time.</summary>
    public async Task AnswerPollsAsync(
        Func<IEnumerable<(ushort Tag, ulong Value)>> statistics, CancellationToken cancellationToken = default)
    {
        _driver.Answer = () => Encode(statistics());
        await ReportAsync(statistics(), cancellationToken);
    }

    public Task AnswerPollsAsync(
        IReadOnlyCollection<(ushort Tag, ulong Value)> statistics, CancellationToken cancellationToken = default) =>
        AnswerPollsAsync(() => statistics, cancellationToken);

    /// <summary>From now on polls remain unanswered, until the test reports.</summary>
    public void StopAnswering() => _driver.Answer = null;

    /// <summary>Waits until the guest holds its statistics buffer, so that QEMU waits for the guest.</summary>
    public Task WaitForPollAsync(TimeSpan? deadline = null, CancellationToken cancellationToken = default) =>
        _driver.WaitUntilAsync("poll", () => !_driver.StatisticsPosted, deadline, cancellationToken);

    /// <summary>Waits until QEMU has polled this often since the guest started.</summary>
    public Task WaitForPollCountAsync(int count, TimeSpan? deadline = null, CancellationToken cancellationToken = default) =>
        _driver.WaitUntilAsync($"poll number {count}", () => PollCount >= count, deadline, cancellationToken);

    /// <summary>Resets the device, as unloading the driver does.</summary>
    public Task ResetDeviceAsync(CancellationToken cancellationToken = default) => _driver.ResetAsync(cancellationToken);

    /// <summary>Resets the machine through the oracle's monitor; the driver must be initialised again afterwards.</summary>
    public async Task SystemResetAsync(CancellationToken cancellationToken = default)
    {
        var oracle = await OracleAsync(cancellationToken);
        var eventsBefore = oracle.Events.Count;
        _ = await oracle.ExecuteAsync("system_reset", cancellationToken: cancellationToken);
        _ = await oracle.WaitForEventAsync("RESET", eventsBefore, cancellationToken: cancellationToken);
        await _driver.ForgetAsync(cancellationToken);
    }

    /// <summary>The balloon size that the host asks for, in pages: memory the guest is to give away.</summary>
    public Task<uint> ReadTargetPagesAsync(CancellationToken cancellationToken = default) => _driver.ReadTargetAsync(cancellationToken);

    /// <summary>Waits until the host asks for this size.</summary>
    public Task WaitForTargetPagesAsync(uint pages, TimeSpan? deadline = null, CancellationToken cancellationToken = default) =>
        _driver.WaitUntilAsync($"target of {pages} pages", () => _driver.TargetPages == pages, deadline, cancellationToken);

    /// <summary>Tells the host how large the balloon is, true or not.</summary>
    public Task WriteActualPagesAsync(uint pages, CancellationToken cancellationToken = default) =>
        _driver.WriteActualAsync(pages, cancellationToken);

    /// <summary>Gives pages to the host, by number; the balloon's size is told apart from that.</summary>
    public Task InflateAsync(IEnumerable<uint> pages, CancellationToken cancellationToken = default) =>
        _driver.InflateAsync(pages, cancellationToken);

    /// <summary>Takes pages back.</summary>
    public Task DeflateAsync(IEnumerable<uint> pages, CancellationToken cancellationToken = default) =>
        _driver.DeflateAsync(pages, cancellationToken);

    public async Task<byte[]> ReadMemoryAsync(ulong address, int length, CancellationToken cancellationToken = default) =>
        Convert.FromHexString((await _qtest.ExecuteAsync(QtestConnection.ReadBytes(address, length), cancellationToken)).AsSpan(2));

    public Task WriteMemoryAsync(ulong address, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        _qtest.ExecuteAsync(QtestConnection.WriteBytes(address, content.Span), cancellationToken);

    /// <summary>Reads one of the balloon's virtio-mmio registers, by its offset.</summary>
    public async Task<uint> ReadRegisterAsync(ulong register, CancellationToken cancellationToken = default) =>
        (uint)QtestConnection.ParseNumber(await _qtest.ExecuteAsync(_device.Read(register), cancellationToken));

    public Task WriteRegisterAsync(ulong register, uint value, CancellationToken cancellationToken = default) =>
        _qtest.ExecuteAsync(_device.Write(register, value), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;

        // QEMU first: whoever still waits for an answer of it then gets an error instead of waiting for its deadline.
        await Process.DisposeAsync();
        await _driver.DisposeAsync();
        await _qtest.DisposeAsync();
        if (_oracle is not null)
            await _oracle.DisposeAsync();
        _connectingOracle.Dispose();
    }

    private static IEnumerable<string> Arguments(DrivenGuestOptions options, PrivateDirectory directory)
    {
        var balloon = string.Join(',', new[]
        {
            "virtio-balloon-device",
            options.BalloonId is null ? null : $"id={options.BalloonId}",
            options.BalloonProperties,
        }.Where(part => part is not null));
        return
        [
            .. options.Running ? Array.Empty<string>() : ["-S"],
            .. options.Name is null ? Array.Empty<string>() : ["-name", options.Name],
            .. options.Uuid is null ? Array.Empty<string>() : ["-uuid", $"{options.Uuid}"],
            "-accel", "tcg,tb-size=1", "-M", Machine, "-m", $"{options.MemoryMib}", "-bios", directory.File("halt.bin"),
            "-nodefaults", "-no-user-config", "-display", "none",

            // QEMU serves a notification before it answers the write that made it; newer ones would leave it to their main loop.
            "-global", "virtio-mmio.force-legacy=false", "-global", "virtio-mmio.ioeventfd=off", "-device", balloon,
            "-qtest", $"unix:{directory.File("qtest.sock")}", "-qtest-log", "none",
            .. options.ExtraArguments,
        ];
    }

    private static byte[] Encode(IEnumerable<(ushort Tag, ulong Value)> statistics)
    {
        BalloonStatistic[] entries = [.. statistics.Select(entry => new BalloonStatistic(entry.Tag, entry.Value))];
        var bytes = new byte[entries.Length * BalloonStatistics.EntryBytes];
        _ = BalloonStatistics.Write(bytes, entries);
        return bytes;
    }
}
