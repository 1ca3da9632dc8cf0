using System.Globalization;
using System.Net.Sockets;

namespace Ballast.Guests;

/// <summary>
/// A real QEMU, without a guest's driver, in namespaces or under a root of its own. Programs and libraries are the host's,
/// so no image is needed. Its second monitor is held by the test from the start, as a second opinion.
/// </summary>
public sealed class Container : IAsyncDisposable
{
    public const uint Nobody = 65534;

    private const ulong FirstWindow = 0xfeb00000, WindowSize = 0x200, ConfigSpace = 0x100;
    private const int Windows = 24, BalloonDeviceId = 5, PageKib = 4;

    private readonly ChildProcess _child;
    private readonly PrivateDirectory _root;
    private readonly ContainerOptions _options;
    private OracleMonitor? _oracle;
    private ulong? _balloon;

    private Container(ChildProcess child, PrivateDirectory root, ContainerOptions options)
    {
        _child = child;
        _root = root;
        _options = options;
    }

    /// <summary>QEMU's process id here, outside.</summary>
    public int Pid { get; private set; }

    /// <exception cref="InvalidOperationException">It was started without one.</exception>
    public OracleMonitor Oracle => _oracle ?? throw new InvalidOperationException("It has no monitor for the test.");

    public long MemoryKib => _options.MemoryMib * 1024L;

    /// <summary>The monitor's path, as QEMU knows it.</summary>
    public string MonitorPath => $"{_options.DirectoryPath}/{_options.Monitor}";

    /// <summary>The monitor's path from here.</summary>
    public string ReachableMonitorPath => Reach(_options.Monitor);

    public bool IsAlive => State(Pid) is not (null or 'Z' or 'X');

    public static async Task<Container> StartAsync(ContainerOptions options, CancellationToken cancellationToken = default)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new InvalidOperationException("Namespaces and roots of their own need root.");
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException();
        PrivateDirectory root = new();
        ChildProcess? child = null;
        try
        {
            // Nobody makes a root too, and must reach it.
            const UnixFileMode passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            File.SetUnixFileMode(root.Path, passable);
            _ = Directory.CreateDirectory(root.File("root"));
            string[] command = Command(options, root.File("root"));
            child = await ChildProcess.StartAsync(command[0], command[1..]);
            Container container = new(child, root, options);
            await container.WaitAsync(cancellationToken);
            return container;
        }
        catch
        {
            if (child is not null)
                await child.DisposeAsync();
            root.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The size that the balloon's device was told to make the guest, in KiB. Without a guest's driver nothing follows it;
    /// the device shows it in its registers, which a human monitor's command reads.
    /// </summary>
    public async Task<long> TargetKibAsync(CancellationToken cancellationToken = default)
    {
        for (int n = 0; _balloon is null && n < Windows; n++)
        {
            ulong window = FirstWindow + ((ulong)n * WindowSize);
            if (await ReadAsync(window + 8, cancellationToken) == BalloonDeviceId)
                _balloon = window;
        }

        ulong device = _balloon ?? throw new InvalidOperationException("The machine has no balloon.");
        return MemoryKib - ((long)await ReadAsync(device + ConfigSpace, cancellationToken) * PageKib);
    }

    public Task WaitForDeathAsync(CancellationToken cancellationToken = default) => Deadline.UntilAsync(
        Deadline.Default, $"end of process {Pid}", _ => Task.FromResult(!IsAlive), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_oracle is not null)
            await _oracle.DisposeAsync();
        if (Pid != 0 && Pid != _child.Pid && IsAlive)
            ChildProcess.Kill(Pid);
        await _child.DisposeAsync();
        if (Pid != 0)
            await WaitForDeathAsync();
        _root.Dispose();
    }

    private static string[] Command(ContainerOptions options, string root)
    {
        string[] qemu =
        [
            "qemu-system-x86_64", "-accel", "tcg,tb-size=1", "-S", "-M", "microvm,acpi=off", "-m", $"{options.MemoryMib}",
            "-nodefaults", "-no-user-config", "-display", "none", "-device", "virtio-balloon-device,id=balloon0",
            .. options.Name is { } name ? (string[])["-name", name] : [],
            .. options.Uuid is { } uuid ? (string[])["-uuid", $"{uuid}"] : [],
            .. options.ChardevId is { } id
                ? (string[])["-chardev", $"socket,id={id},path={options.DirectoryPath}/{options.Monitor},server=on,wait=off", "-mon", $"chardev={id},mode=control"]
                : ["-qmp", $"unix:{options.DirectoryPath}/{options.Monitor},server=on,wait=off"],
            .. options.Oracle is { } oracle ? (string[])["-qmp", $"unix:{options.DirectoryPath}/{oracle},server=on,wait=off"] : [],
        ];
        string[] Script(string text) => ["sh", "-e", "-c", text, "sh", root, options.DirectoryPath, .. qemu];
        string[] own = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"];
        return options.Kind switch
        {
            ContainerKind.Whole => [.. own, .. Script(ContainerScripts.OwnRoot)],
            ContainerKind.Bound => [.. own, .. Script(ContainerScripts.OwnRootWithBoundDirectory)],
            ContainerKind.User => ["unshare", "--pid", "--fork", "--kill-child", "sh", "-e", "-c", ContainerScripts.AsNobody, "sh", .. Script(ContainerScripts.OwnRoot)[3..]],
            ContainerKind.Network => ["unshare", "--net", .. qemu],
            ContainerKind.Mounts => ["unshare", "--mount", .. Script(ContainerScripts.OwnMounts)],
            ContainerKind.Root => Script(ContainerScripts.CopiedRoot),
            _ => qemu,
        };
    }

    private static char? State(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private string Reach(string file) => $"/proc/{Pid}/root{_options.DirectoryPath}/{file}";

    private async Task WaitAsync(CancellationToken cancellationToken) =>
        await Deadline.UntilAsync(Deadline.Default, "QEMU's monitor in its namespaces", async token =>
        {
            if (_child.HasExited)
            {
                await _child.WaitForExitAsync(token); // Its last words are read by then.
                throw new InvalidOperationException($"{_options.Kind}: status {_child.ExitCode}: {_child.Errors}");
            }

            Pid = FindQemu(_child.Pid) ?? 0;
            string last = Reach(_options.Oracle ?? _options.Monitor);
            if (Pid == 0 || !File.Exists(Reach(_options.Monitor)) || !File.Exists(last))
                return false;
            try
            {
                OracleMonitor monitor = await OracleMonitor.ConnectAsync(last, cancellationToken: token);
                if (_options.Oracle is null)
                    await monitor.DisposeAsync(); // A visit only: it answers.
                else
                    _oracle = monitor;
                return true;
            }
            catch (SocketException)
            {
                return false; // The file exists a moment before it is listened on.
            }
        }, cancellationToken);

    // A process, or one below it, that has become QEMU.
    private static int? FindQemu(int pid)
    {
        try
        {
            if (File.ReadAllText($"/proc/{pid}/comm").StartsWith("qemu-system", StringComparison.Ordinal))
                return pid;
            foreach (string child in File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (FindQemu(int.Parse(child, CultureInfo.InvariantCulture)) is { } found)
                    return found;
            }
        }
        catch (IOException)
        {
            // It ended meanwhile.
        }

        return null;
    }

    // "00000000feb00f00: 0x00001000"
    private async Task<ulong> ReadAsync(ulong address, CancellationToken cancellationToken)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"xp /1wx 0x{address:x}");
        var answer = await Oracle.ExecuteAsync(
            "human-monitor-command", new Dictionary<string, string> { ["command-line"] = line }, cancellationToken: cancellationToken);
        return ulong.Parse(answer.GetString()!.Trim().Split("0x")[^1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
