using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>What a QEMU's command line says about it. Anybody can write one, so only those of trusted processes are believed (<see cref="QemuTrust"/>).</summary>
internal sealed class QemuCommandLine
{
    // Many more than any QEMU has.
    private const int MaxBytes = 1024 * 1024, MaxArguments = 16 * 1024;

    private readonly string[] _arguments;
    private readonly Remembered<CommandLineReader> _reader;
    private readonly Remembered<IReadOnlyList<MonitorSocket>> _monitors;
    private readonly Remembered<MachineOptions> _machine;

    private readonly Remembered<string?> _workingDirectory;
    private readonly Remembered<string?> _launchDirectory;

    internal QemuCommandLine(
        string[] arguments, string? workingDirectory, Func<string, ConfigurationText?>? readFile = null, string? launchDirectory = null)
        : this(arguments, new Remembered<string?>(() => workingDirectory), new Remembered<string?>(() => launchDirectory), readFile)
    {
    }

    private QemuCommandLine(
        string[] arguments, Remembered<string?> workingDirectory, Remembered<string?> launchDirectory, Func<string, ConfigurationText?>? readFile)
    {
        _arguments = arguments;
        BecomesDaemon = CommandLineOptions.Of(arguments).Any(static option => option.Option == "daemonize");
        _workingDirectory = workingDirectory;
        _launchDirectory = launchDirectory;

        // Not before somebody asks: most processes of a host are no QEMU.
        _reader = new(() => CommandLineReader.Read(_arguments, Read));
        _monitors = new(() => _reader.Value.FindMonitors());

        // What describes the guest is text for everybody, whatever its files are called.
        _machine = new(() => MachineOptions.Read(
            Array.ConvertAll(_arguments, PathText.Replaced), path => Read(path) is { } file ? file with { Text = PathText.Replaced(file.Text) } : null));

        // A daemon has left the directory that the path began in, and one that changed its root that root. A daemon's process is made
        // behind the read: what was written while QEMU read another file, or waited for it, looks as if it had been there before.
        ConfigurationText? Read(string path) =>
            readFile is null || (BecomesDaemon && !Path.IsPathRooted(path)) || ChangesRoot(arguments) ? null
            : readFile(path) is { } file ? file with { MayBeYounger = BecomesDaemon } : null;
    }

    /// <summary>What it is known again by.</summary>
    public CommandLineMark Mark { get; private init; }

    /// <summary>That of a process whose command line nobody reads.</summary>
    public static QemuCommandLine Unread { get; } = new([], workingDirectory: null);

    /// <summary>Whether nobody has read it.</summary>
    public bool IsUnread => this == Unread;

    /// <summary>Whether it makes QEMU go on in the background, and the process that was started wait until it is there.</summary>
    public bool BecomesDaemon { get; }

    /// <summary>Whether the program is called as QEMU's are.</summary>
    public bool IsQemu => _arguments is [var program, ..] && QemuName.IsQemuFile(program);

    /// <summary>Where the process is now; null where this user may not know. A QEMU that became a daemon is at the root.</summary>
    public string? WorkingDirectory => _workingDirectory.Value;

    /// <summary>
    /// Where the process was started, as its environment says (PWD); null where this user may not know or it says nothing.
    /// It is the starter's word and proves nothing.
    /// </summary>
    public string? LaunchDirectory => _launchDirectory.Value;

    /// <summary>The guest's name, or null; also a guess.</summary>
    public string? Name => NameWord?.Value;

    /// <inheritdoc cref="Name"/>
    public Word<string>? NameWord => _reader.Value.Name;

    /// <summary>The guest's UUID, or null. It is said for certain: no file can say it.</summary>
    public Guid? Uuid => _reader.Value.Uuid;

    /// <summary>The guest's memory in KiB; null where the machine's default counts, which differs.</summary>
    public Word<ulong>? MemoryKiB => _reader.Value.MemoryKiB;

    /// <summary>Whether memory can be plugged into its machine, as far as is known.</summary>
    public bool HasMemorySlots => _reader.Value.HasMemorySlots;

    /// <summary>How many virtual processors it starts with.</summary>
    public Word<int> VirtualCpus => _reader.Value.VirtualCpus;

    /// <summary>What it says of the machine's parts.</summary>
    public MachineOptions Machine => _machine.Value;

    /// <summary>The monitors for programs, of every kind, in the order in which QEMU opens them.</summary>
    public IReadOnlyList<MonitorSocket> Monitors => _monitors.Value;

    /// <summary>
    /// Where it puts a balloon, by the container of its devices; none where it has none, and all where a file may say more. A hint: what
    /// it is called, and where, QEMU knows.
    /// </summary>
    public IReadOnlyList<string> BalloonsLikely
    {
        get
        {
            if (IsUnread || Array.Exists(_arguments, static argument => argument.Contains("readconfig", StringComparison.Ordinal)))
                return QmpHandshake.Containers;
            if (!Array.Exists(_arguments, static argument => argument.Contains("balloon", StringComparison.Ordinal)))
                return [];
            return
            [
                .. CommandLineOptions.Of(_arguments)
                    .Where(static said => said is { Option: "device", Value: { } device } && device.Contains("balloon", StringComparison.Ordinal))
                    .Select(static said => OptionMembers.ParseOrJson(said.Value!, "driver")?["id"] is null ? QmpCommands.AnonymousPath : QmpCommands.PeripheralPath)
                    .Distinct(),
            ];
        }
    }

    /// <summary>Whether it makes QEMU listen for a monitor's clients at a path, as it is written here.</summary>
    public bool Binds(string? path) =>
        path is not null && Monitors.Any(monitor => monitor.Kind == MonitorKind.Unix && monitor.Path == path);

    /// <summary>Whether it makes QEMU wait for a monitor's first client at a path, as it is written here.</summary>
    public bool WaitsAt(string path) =>
        Monitors.Any(monitor => monitor is { Kind: MonitorKind.Unix, WaitsForClient: true } && monitor.Path == path);

    /// <summary>Whether a path stands anywhere in it, as QEMU's options write one.</summary>
    public bool Mentions(string path)
    {
        string written = path.Replace(",", ",,", StringComparison.Ordinal);
        return path.Length > 0 && _arguments.Any(argument => HasValue(argument, written) || HasValue(argument, path));
    }

    /// <summary>
    /// Whether a path that stands in it may be a monitor's all the same: a file that could not be read may put one on a device that
    /// listens there, waits for nobody, and that nothing here uses.
    /// </summary>
    public bool MayBecomeMonitor(string path) =>
        UnreadConfiguration is not null && _reader.Value.FindDevices(path).Any(id => !CommandLineOptions.Of(_arguments).Any(
            said => said.Option != "chardev" && said.Value is { } value && HasValue(value, id)));

    // As a whole value: an argument, or one of its members, or a text of JSON.
    private static bool HasValue(string argument, string value)
    {
        for (int at = argument.IndexOf(value, StringComparison.Ordinal); at >= 0; at = argument.IndexOf(value, at + 1, StringComparison.Ordinal))
        {
            ReadOnlySpan<char> before = argument.AsSpan(0, at), after = argument.AsSpan(at + value.Length);
            if (before is [] or [.., '=' or ':' or '"' or '\''] && after is [] or [','] or [',', not ',', ..] or ['"' or '\'', ..])
                return true;
        }

        return false;
    }

    /// <summary>Whether a process says the same now; null where this user may not know, or it ended.</summary>
    public bool? IsThatOf(int pid) => Mark.IsThatOf(pid);

    /// <summary>That of a process which is not believed: nothing of it is kept, and no more is looked at than tells it from another.</summary>
    /// <returns>Null where the process is none that is called as QEMU's are, or cannot be looked at.</returns>
    public static QemuCommandLine? OfStranger(int pid)
    {
        Span<byte> buffer = stackalloc byte[CommandLineMark.StrangersBytes];
        ReadOnlySpan<byte> start = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline"), buffer);
        return QemuProcess.MayBeQemu(pid, start, isWhole: true, out bool mustBeLoaded) && !mustBeLoaded
            ? new QemuCommandLine([], workingDirectory: null) { Mark = CommandLineMark.Of(start, CommandLineMark.StrangersBytes) }
            : null;
    }

    /// <summary>
    /// The first file of <c>-readconfig</c> that could not be read, or was changed since QEMU read it, as it was written: more may be
    /// said there.
    /// </summary>
    public string? UnreadConfiguration => _reader.Value.UnreadFile;

    /// <param name="pid">The process.</param>
    /// <param name="commandLine">What it was started with.</param>
    /// <param name="readFile">Reads a file that the command line names, as it was written; null where none may be read.</param>
    /// <exception cref="IOException">Never: a process that cannot be read is not found.</exception>
    public static bool TryRead(int pid, [NotNullWhen(true)] out QemuCommandLine? commandLine, Func<string, ConfigurationText?>? readFile = null)
    {
        commandLine = null;
        if (LinuxFiles.ReadAll($"/proc/{pid}/cmdline", MaxBytes) is not { Length: > 0 } read)
            return false;
        commandLine = Of(pid, read.Span, readFile);
        return true;
    }

    /// <summary>The same of one that was read.</summary>
    public static QemuCommandLine Of(int pid, ReadOnlySpan<byte> text, Func<string, ConfigurationText?>? readFile = null) => new(
        WithoutLoader(pid, Divide(text)), new Remembered<string?>(() => LinuxFiles.ReadLink($"/proc/{pid}/cwd")), new Remembered<string?>(() => ReadLaunchDirectory(pid)), readFile)
    {
        Mark = CommandLineMark.Of(text, MaxBytes),
    };

    /// <summary>The kinds (<c>user</c>, <c>tap</c>) of the network back ends, by their ids.</summary>
    public IReadOnlyDictionary<string, string> NetworkKinds() => _reader.Value.NetworkKinds;

    /// <summary>A unix socket's path against the working directory; null for other monitors, and where that is not known.</summary>
    public string? AbsolutePath(MonitorSocket monitor) =>
        monitor.Kind == MonitorKind.Unix && monitor.Path is { } path ? Join(WorkingDirectory, path) : null;

    private static string? Join(string? directory, string path) =>
        Path.IsPathRooted(path) ? path : directory is null ? null : Path.Join(directory, path);

    private static string? ReadLaunchDirectory(int pid)
    {
        ReadOnlySpan<byte> variable = "PWD="u8;
        if (LinuxFiles.ReadAll($"/proc/{pid}/environ", MaxBytes) is not { } read)
            return null;
        ReadOnlySpan<byte> bytes = Whole(read.Span);
        foreach (Range range in bytes.Split((byte)0))
        {
            if (bytes[range].StartsWith(variable))
                return PathText.Decode(bytes[range][variable.Length..]) is var directory && Path.IsPathRooted(directory) ? directory : null;
        }

        return null;
    }

    private static bool ChangesRoot(string[] arguments) => CommandLineOptions.Of(arguments).Any(static option =>
        option.Option == "chroot" || (option is { Option: "run-with", Value: { } value } && OptionMembers.Parse(value, null)["chroot"] is not null));

    // What another program loads has its own command line behind that one's.
    private static string[] WithoutLoader(int pid, string[] arguments) =>
        !QemuName.IsQemuFile(arguments[0]) && Array.FindIndex(arguments, QemuName.IsQemuFile) is > 0 and var at && QemuProcess.IsLoaded(pid)
            ? arguments[at..]
            : arguments;

    // Strings that a zero byte ends each, as the kernel shows a command line and an environment.
    private static string[] Divide(ReadOnlySpan<byte> bytes)
    {
        bytes = Whole(bytes);
        if (bytes is [.., 0])
            bytes = bytes[..^1]; // No more than the last one's own: an empty argument counts.
        List<string> strings = [];
        foreach (Range range in bytes.Split((byte)0))
        {
            if (strings.Count == MaxArguments)
                break;
            strings.Add(PathText.Decode(bytes[range]));
        }

        return [.. strings];
    }

    // One that was cut off could be taken for another.
    private static ReadOnlySpan<byte> Whole(ReadOnlySpan<byte> bytes) =>
        bytes.Length == MaxBytes && bytes.LastIndexOf((byte)0) is var end and > 0 ? bytes[..end] : bytes;
}
