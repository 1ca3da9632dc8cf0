using System.Globalization;

namespace Ballast.Guests;

public sealed record LinuxGuestOptions
{
    public int MemoryMib { get; init; } = 256;

    /// <summary>How many memory modules may be plugged in.</summary>
    public int Slots { get; init; }

    public string? Name { get; init; }

    public Guid? Uuid { get; init; }

    /// <summary>The balloon's <c>-device</c>; null for a guest without.</summary>
    public string? Balloon { get; init; } = "virtio-balloon-pci,id=balloon0";

    /// <summary>Whether the guest loads its balloon driver when it boots.</summary>
    public bool LoadDriver { get; init; } = true;

    /// <summary>What runs the guest's instructions. TCG keeps up to 1 GiB of translated ones, which matters where all is locked.</summary>
    public string Accelerator { get; init; } = "tcg";

    public IReadOnlyList<string> ExtraArguments { get; init; } = [];

    public string Program { get; init; } = new QemuOptions().Program;

    public TimeSpan BootDeadline { get; init; } = TimeSpan.FromSeconds(120);
}

/// <summary>The guest's own account of its memory, in KiB.</summary>
public sealed record GuestMemory(long Total, long Free, long Available, long Cached, long Buffers);

/// <summary>A real Linux in a PC of QEMU's, with a channel over which it is told to use memory.</summary>
public sealed class LinuxGuest : IAsyncDisposable
{
    /// <summary>Where the balloon lies in QEMU's object tree, with the default options.</summary>
    public const string BalloonPath = "/machine/peripheral/balloon0";

    private const int ConsoleLinesShown = 15;

    private readonly StreamReader _answers;
    private readonly StreamWriter _commands;
    private readonly string _console;
    private readonly SemaphoreSlim _exclusive = new(1);
    private OracleMonitor? _oracle;
    private bool _disposed;

    private LinuxGuest(QemuProcess process, Stream channel, string console)
    {
        Process = process;
        _answers = new StreamReader(channel);
        _commands = new StreamWriter(channel) { AutoFlush = true, NewLine = "\n" };
        _console = console;
    }

    public QemuProcess Process { get; }

    /// <summary>The monitor for the program under test.</summary>
    public string MonitorPath => Process.MonitorPaths[0];

    public static async Task<LinuxGuest> StartAsync(LinuxGuestOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new LinuxGuestOptions();
        var image = await LinuxGuestImage.GetAsync(cancellationToken);
        var directory = new PrivateDirectory();
        var channelPath = directory.File("commands.sock");
        var console = directory.File("console.log");
        var process = await QemuProcess.StartAsync(
            new QemuOptions
            {
                Program = options.Program,
                Arguments =
                [
                    .. options.Name is null ? Array.Empty<string>() : ["-name", options.Name],
                    .. options.Uuid is null ? Array.Empty<string>() : ["-uuid", $"{options.Uuid}"],
                    "-accel", options.Accelerator, "-M", "q35", "-m", options.Slots == 0 ? $"{options.MemoryMib}" : $"{options.MemoryMib},slots={options.Slots},maxmem=4G", "-nodefaults", "-no-user-config", "-display", "none",
                    "-kernel", image.Kernel, "-initrd", image.InitialRamDisk,
                    "-append", "console=ttyS0 panic=-1 memhp_default_state=online" + (options.LoadDriver ? "" : " noballoon"),
                    "-serial", $"file:{console}",
                    "-chardev", $"socket,id=commands,path={channelPath},server=on,wait=off", "-serial", "chardev:commands",

                    // A disk without content that takes no space: reading it fills the guest's page cache.
                    "-blockdev", "null-co,node-name=disk,size=1073741824,read-zeroes=on", "-device", "virtio-blk-pci,drive=disk",
                    .. options.Balloon is null ? Array.Empty<string>() : ["-device", options.Balloon],
                    .. options.ExtraArguments,
                ],
                Monitors = 2,
                Directory = directory,
            },
            cancellationToken);
        LinuxGuest? guest = null;
        try
        {
            guest = new LinuxGuest(process, await UnixSocket.ConnectAsync(channelPath, cancellationToken), console);
            await guest.WaitForBootAsync(options.BootDeadline, cancellationToken);
            return guest;
        }
        catch
        {
            await process.DisposeAsync();
            if (guest is not null)
                await guest.DisposeAsync();
            throw;
        }
    }

    /// <summary>The oracle's own monitor, connected when first asked for; not for concurrent first calls.</summary>
    public async Task<OracleMonitor> OracleAsync(CancellationToken cancellationToken = default) =>
        _oracle ??= await OracleMonitor.ConnectAsync(Process.MonitorPaths[^1], cancellationToken: cancellationToken);

    /// <summary>
    /// Tells the guest to do something (<c>alloc MIB</c>, <c>free</c>, <c>cache MIB</c>, <c>tmpfs MIB</c>, <c>drop</c>, <c>fault N</c>, <c>swap</c>,
    /// <c>hugepages N</c>, <c>load</c>, <c>unload</c>, <c>meminfo</c>, <c>pressure</c>, <c>busybox-free</c>, <c>ping</c>, <c>reboot</c>, <c>poweroff</c>)
    /// and returns what it answers after <c>ok</c>, when it has done it.
    /// </summary>
    public async Task<string> CommandAsync(string command, TimeSpan? deadline = null, CancellationToken cancellationToken = default)
    {
        var answer = await Deadline.WithinAsync(deadline ?? TimeSpan.FromSeconds(60), $"answer to \"{command}\"", async token =>
        {
            await _exclusive.WaitAsync(token);
            try
            {
                await _commands.WriteLineAsync(command.AsMemory(), token);
                return await ReadAnswerAsync(token);
            }
            finally
            {
                _exclusive.Release();
            }
        }, cancellationToken);
        return answer.StartsWith("ok", StringComparison.Ordinal)
            ? answer[2..].Trim()
            : throw new InvalidOperationException($"The guest answers \"{command}\" with \"{answer}\".");
    }

    public async Task<GuestMemory> ReadMemoryAsync(CancellationToken cancellationToken = default)
    {
        var fields = (await CommandAsync("meminfo", cancellationToken: cancellationToken))
            .Split(' ')
            .Select(field => field.Split('='))
            .ToDictionary(pair => pair[0], pair => long.Parse(pair[1], CultureInfo.InvariantCulture));
        return new GuestMemory(
            fields["MemTotal"], fields["MemFree"], fields["MemAvailable"], fields["Cached"], fields["Buffers"]);
    }

    /// <summary>Waits until the guest says that it is ready, as it does at each boot (after <c>reboot</c> too).</summary>
    public async Task WaitForBootAsync(TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        try
        {
            await Deadline.WithinAsync(deadline, "boot of the guest", async token =>
            {
                // Firmware and kernel may write there before.
                while (await ReadAnswerAsync(token) != "ok ready")
                {
                }
            }, cancellationToken);
        }
        catch (Exception late) when (late is TimeoutException or IOException)
        {
            var console = File.Exists(_console) ? File.ReadLines(_console).TakeLast(ConsoleLinesShown) : [];
            throw new TimeoutException($"{late.Message} {Process.Errors}\n{string.Join('\n', console)}", late);
        }

        _ = await CommandAsync("ping", cancellationToken: cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await Process.DisposeAsync();
        if (_oracle is not null)
            await _oracle.DisposeAsync();
        _answers.Dispose();
        _exclusive.Dispose();
    }

    private async Task<string> ReadAnswerAsync(CancellationToken cancellationToken) =>
        (await _answers.ReadLineAsync(cancellationToken))?.Trim() ?? throw new EndOfStreamException("The guest is gone.");
}
