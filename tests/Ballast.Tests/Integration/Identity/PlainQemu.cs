using System.Globalization;
using System.Net.Sockets;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

internal sealed record PlainQemuOptions
{
    /// <summary>Its monitors, and whatever else.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    public string? Name { get; init; }

    public Guid? Uuid { get; init; }

    public int MemoryMib { get; init; } = 64;

    /// <summary>A command that becomes QEMU: <c>env -C DIRECTORY</c>.</summary>
    public IReadOnlyList<string> Through { get; init; } = [];

    /// <summary>Where it writes its process id, if it becomes a daemon.</summary>
    public string? PidFile { get; init; }

    /// <summary>Whether it will not start before somebody connects, so that the test can ask it nothing.</summary>
    public bool Waits { get; init; }
}

/// <summary>A real QEMU without a guest, whose target of the balloon is read by a human monitor that only the test knows.</summary>
internal sealed class PlainQemu : IAsyncDisposable
{
    private const ulong FirstWindow = 0xfeb00000, WindowSize = 0x200, ConfigSpace = 0x100;
    private const int Windows = 24, BalloonDeviceId = 5, PageKib = 4;

    private readonly ChildProcess _child;
    private readonly PrivateDirectory _directory;
    private readonly PlainQemuOptions _options;
    private HumanMonitor? _human;
    private ulong? _balloon;

    private PlainQemu(ChildProcess child, PrivateDirectory directory, PlainQemuOptions options)
    {
        _child = child;
        _directory = directory;
        _options = options;
        Pid = child.Pid;
    }

    public int Pid { get; private set; }

    public ulong MemoryKib => (ulong)_options.MemoryMib * 1024;

    public bool IsAlive
    {
        get
        {
            try
            {
                string stat = File.ReadAllText($"/proc/{Pid}/stat");
                return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
            }
            catch (IOException)
            {
                return false;
            }
        }
    }

    public static async Task<PlainQemu> StartAsync(PlainQemuOptions options, CancellationToken cancellationToken)
    {
        PrivateDirectory directory = new();
        string human = directory.File("human");
        string[] command =
        [
            .. options.Through,
            "qemu-system-x86_64", "-accel", "tcg,tb-size=1", "-S", "-M", "microvm,acpi=off", "-m", $"{options.MemoryMib}",
            "-nodefaults", "-no-user-config", "-display", "none", "-device", "virtio-balloon-device,id=balloon0",
            .. options.Name is { } name ? (string[])["-name", name] : [],
            .. options.Uuid is { } uuid ? (string[])["-uuid", $"{uuid}"] : [],
            .. options.Arguments,
            .. options.PidFile is { } file ? (string[])["-daemonize", "-pidfile", file] : [],
            .. options.Waits ? [] : (string[])["-monitor", $"unix:{human},server=on,wait=off"],
        ];
        ChildProcess child = await ChildProcess.StartAsync(command[0], command[1..]);
        PlainQemu qemu = new(child, directory, options);
        try
        {
            if (!options.Waits)
                await qemu.WaitAsync(human, cancellationToken);

            // What a test does to files from now on is later than the start also by /proc, which counts hundredths of a second.
            await Task.Delay(TimeSpan.FromMilliseconds(30), cancellationToken);
            return qemu;
        }
        catch
        {
            await qemu.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// The size that the balloon's device was told to make the guest, in KiB. Without a guest's driver nothing follows it;
    /// the device shows it in its registers.
    /// </summary>
    public async Task<ulong> TargetKibAsync(CancellationToken cancellationToken)
    {
        HumanMonitor human = _human ?? throw new InvalidOperationException("It waits, and can be asked nothing.");
        for (int n = 0; _balloon is null && n < Windows; n++)
        {
            ulong window = FirstWindow + ((ulong)n * WindowSize);
            if (await human.ReadAsync(window + 8, cancellationToken) == BalloonDeviceId)
                _balloon = window;
        }

        ulong device = _balloon ?? throw new InvalidOperationException("The machine has no balloon.");
        return MemoryKib - ((ulong)await human.ReadAsync(device + ConfigSpace, cancellationToken) * PageKib);
    }

    /// <summary>Freezes it (SIGSTOP).</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _child.StopAsync(cancellationToken);

    public void Continue() => _child.Continue();

    public Task WaitForDeathAsync(CancellationToken cancellationToken) => Deadline.UntilAsync(
        Deadline.Default, $"end of process {Pid}", _ => Task.FromResult(!IsAlive), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_human is not null)
            await _human.DisposeAsync();
        if (Pid != _child.Pid && IsAlive)
            ChildProcess.Terminate(Pid);
        await _child.DisposeAsync();
        await WaitForDeathAsync(CancellationToken.None);
        _directory.Dispose();
    }

    private async Task WaitAsync(string human, CancellationToken cancellationToken)
    {
        await Deadline.UntilAsync(Deadline.Default, "QEMU's human monitor", async token =>
        {
            if (_child.HasExited)
                await _child.WaitForExitAsync(token); // Its last words are read by then.
            if (_child.HasExited && (_options.PidFile is null || _child.ExitCode != 0))
                throw new InvalidOperationException($"QEMU ended with status {_child.ExitCode}: {_child.Errors}");

            // Of one that becomes a daemon, the process that was started has to be gone: it bears the same command line.
            if (!File.Exists(human) || (_options.PidFile is { } pidFile && !(_child.HasExited && TryReadPid(pidFile))))
                return false;
            try
            {
                _human = await HumanMonitor.ConnectAsync(human, token);
                return true;
            }
            catch (SocketException)
            {
                return false; // The file exists a moment before it is listened on.
            }
        }, cancellationToken);

        // Only an answer says that it has started.
        await TargetKibAsync(cancellationToken);
    }

    private bool TryReadPid(string file)
    {
        if (!File.Exists(file) || !int.TryParse(File.ReadAllText(file), NumberStyles.None | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int pid))
            return false;
        Pid = pid;
        return true;
    }
}
