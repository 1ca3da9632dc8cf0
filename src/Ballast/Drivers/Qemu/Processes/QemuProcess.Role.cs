using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

// Which processes are QEMUs, and whether one still is the one that it was.
internal sealed partial class QemuProcess
{
    private const int StartBytes = 512;

    private static readonly TimeSpan ReadAgain = TimeSpan.FromSeconds(1);

    // What hardly another program's command line has. The name of a program alone says nothing: it can be started by any.
    private static readonly string[] Telling =
    [
        "machine", "M", "accel", "enable-kvm", "cpu", "smp", "qmp", "qmp-pretty", "mon", "chardev", "device", "drive", "blockdev", "netdev",
        "nic", "nodefaults", "no-user-config", "display", "nographic", "readconfig", "daemonize", "hda", "cdrom", "object", "smbios", "fw_cfg",
        "monitor", "serial", "vga", "rtc",
    ];

    // What others have, too. Few have two of these.
    private static readonly string[] Usual =
    [
        "name", "m", "S", "uuid", "boot", "vnc", "spice", "kernel", "initrd", "append", "bios", "net", "usb", "usbdevice", "k", "snapshot", "fda",
        "hdb", "hdc", "pidfile", "runas", "sandbox", "global", "audiodev", "pflash", "mem-path", "overcommit", "watchdog-action", "action",
        "no-reboot", "no-shutdown", "incoming", "loadvm", "icount", "parallel", "virtfs", "fsdev", "tpmdev", "curses", "msg",
    ];

    // As it was when it was last looked at.
    private volatile ProcessStat _told;
    private bool _isInBackground;
    private StrongBox<(ProcessStat Told, bool Has)>? _twin;

    // When its command line was last read, and said the same.
    private long _saidSameAt;

    // Whether its parent said the same, when that was last looked at.
    private AskedParent? _asked;

    /// <summary>
    /// Whether it still runs what it ran when it was found: a wrapper becomes QEMU, and one QEMU another, under the same id. The
    /// text of /proc/PID/exe does not tell: it changes when the file is moved.
    /// </summary>
    public bool IsSame
    {
        get
        {
            if (HasExited)
                return false;
            if (ReadStat() is not { } told)
                return true;

            // Whoever runs another program has other memory, which the same file tells. Where nobody could look, the next one asks again.
            bool? isSame = SaysSame(told, _told);
            if (isSame == true)
                _told = told;
            return isSame != false;
        }
    }

    /// <summary>
    /// Whether it is no QEMU of its own, but a process that one made: the one that <c>async-teardown</c> leaves behind to free the
    /// guest's memory, which outlives it, or one that is about to run another program; or one that made it and waits, as a wrapper does
    /// under QEMU's name. A QEMU has more than one thread.
    /// </summary>
    public bool IsHelper
    {
        get
        {
            ProcessStat told = _told;
            return told.Threads == 1 && (IsCleaner(told.Command) || HasTwin(told));
        }
    }

    /// <summary>
    /// Whether it was told to go on in the background and is not there yet: it waits for the process that is the guest's, or has not
    /// made its sockets. Who is in the background is in a session whose leader, which made it, is gone.
    /// </summary>
    public bool IsLaunching(HostView view)
    {
        if (!CommandLine.BecomesDaemon || _isInBackground)
            return false;
        using LookTrouble trouble = new();
        ProcessStat told = _told;
        if (told.SessionLeader == told.Id || told.SessionLeader == 0 || IsAlive(told.SessionLeader) || !MayListen(view))
            return true;
        _isInBackground = trouble.Failure is null;
        return false;
    }

    public bool Binds(string? boundName) => CommandLine.Binds(boundName);

    public IReadOnlyList<string> BalloonsLikely => CommandLine.BalloonsLikely;

    public bool MayBeCalled(string? name) =>
        CommandLine.NameWord is not { Certainty: Certainty.Said } said || string.IsNullOrEmpty(name) || said.Value == name;

    /// <summary>Whether a process may be a QEMU. Most are not: the beginning of a command line tells.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="mustBeLoaded">Whether it is one only if the program that runs has loaded QEMU's.</param>
    public static bool MayBeQemu(int pid, out bool mustBeLoaded)
    {
        Span<byte> buffer = stackalloc byte[StartBytes];
        ReadOnlySpan<byte> start = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline"), buffer);
        return MayBeQemu(pid, start, isWhole: start.Length < buffer.Length, out mustBeLoaded);
    }

    /// <summary>
    /// The same of the beginning of a command line; a name that does not end within so much is looked at in full. Of one that goes on,
    /// the telling option may stand behind: the program that runs tells then.
    /// </summary>
    public static bool MayBeQemu(int pid, ReadOnlySpan<byte> start, bool isWhole, out bool mustBeLoaded)
    {
        mustBeLoaded = false;
        int end = start.IndexOf((byte)0);
        if (end < 0)
            return !isWhole;
        if (QemuName.IsQemuFile(PathText.Decode(start[..end])))
            return true;
        ReadOnlySpan<byte> rest = start[end..];
        if (!(isWhole ? HasTellingOption(rest) : rest.IndexOf("\0-"u8) >= 0) || ReadExecutable(pid) is not { } executable)
            return false;
        if (QemuName.IsQemuFile(executable))
            return true;

        // Who loads a program is told which: most that have such options are told of none of QEMU's.
        return mustBeLoaded = NamesQemu(rest) || (!isWhole && QemuName.IsLoader(executable));
    }

    private static bool NamesQemu(ReadOnlySpan<byte> arguments)
    {
        foreach (Range range in arguments.Split((byte)0))
        {
            ReadOnlySpan<byte> argument = arguments[range];
            if ((argument.IndexOf("qemu"u8) >= 0 || argument.IndexOf("kvm"u8) >= 0) && QemuName.IsQemuFile(PathText.Decode(argument)))
                return true;
        }

        return false;
    }

    private static bool HasTellingOption(ReadOnlySpan<byte> arguments)
    {
        string? usual = null;
        foreach (Range range in arguments.Split((byte)0))
        {
            ReadOnlySpan<byte> argument = arguments[range];
            if (argument is not [(byte)'-', ..])
                continue;
            ReadOnlySpan<byte> option = argument.TrimStart((byte)'-');
            if (Find(Telling, option) is not null)
                return true;
            if (Find(Usual, option) is not { } found)
                continue;
            if (usual is not null && usual != found)
                return true;
            usual = found;
        }

        return false;
    }

    private static string? Find(string[] options, ReadOnlySpan<byte> option)
    {
        foreach (string one in options)
        {
            if (option.Length == one.Length && Ascii.Equals(option, one))
                return one;
        }

        return null;
    }

    // Once for each time that it was looked at: its parent and its children cost files of their own.
    private bool HasTwin(ProcessStat told)
    {
        (ProcessStat Told, bool Has)? known = Volatile.Read(ref _twin)?.Value;
        if (known is { } seen && seen.Told == told)
            return seen.Has;
        bool has = SaysWhatItsParentSays(told.ParentPid)
            || ProcessTable.Children(Pid).Any(child => SaysWhatSays(child) || (MayRead(child) ? RunsQemu(child) : IsCalledQemu(child)));
        Volatile.Write(ref _twin, new StrongBox<(ProcessStat, bool)>((told, has)));
        return has;
    }

    // Not asked again by each look: a command line may be a mebibyte.
    private bool SaysWhatItsParentSays(int parent)
    {
        if (_asked is { } asked && asked.Parent == parent && TimeProvider.System.GetElapsedTime(asked.At) < ReadAgain)
            return asked.SaysSame;
        using LookTrouble trouble = new();
        bool saysSame = parent > 0 && SaysWhatSays(parent);
        if (trouble.IsAnswered)
            _asked = new AskedParent(parent, saysSame, TimeProvider.System.GetTimestamp());
        return saysSame;
    }

    private bool SaysWhatSays(int pid) => MayRead(pid) ? CommandLine.IsThatOf(pid) == true : HasMemoryOf(_told, pid);

    // What another user's process has in its memory is not read: it need not let anybody.
    private bool MayRead(int pid) =>
        !CommandLine.IsUnread && ProcessTable.OwnerOf(pid) is { } owner && (ProcessTable.IsOwn(owner) || owner == ProcessTable.OwnerOf(Pid));

    // Null where nobody could tell. To read the command line of each QEMU at each look would cost too much where this user may not know
    // of its memory: there, only who is called otherwise is looked at again at once.
    private bool? SaysSame(ProcessStat told, ProcessStat before)
    {
        if (told.Memory is { } memory)
        {
            if (memory == before.Memory)
                return true;
        }
        else if (Volatile.Read(ref _saidSameAt) is > 0 and var saidAt && told.Command == before.Command
            && TimeProvider.System.GetElapsedTime(saidAt) < ReadAgain)
        {
            return true;
        }

        bool? isSame = CommandLine.IsUnread ? IsCalledQemu(Pid) : CommandLine.IsThatOf(Pid);
        if (isSame == true)
            Volatile.Write(ref _saidSameAt, TimeProvider.System.GetTimestamp());
        return isSame;
    }

    // "cleanup/" and the QEMU's id, as it knows it.
    private static bool IsCleaner(string command)
    {
        const string cleaner = "cleanup/";
        return command.StartsWith(cleaner, StringComparison.Ordinal) && command.AsSpan(cleaner.Length) is { IsEmpty: false } id
            && !id.ContainsAnyExceptInRange('0', '9');
    }

    // Who cannot be looked at is not known to be dead.
    private static bool IsAlive(ulong pid)
    {
        using LookTrouble trouble = new();
        Span<byte> buffer = stackalloc byte[StartBytes];
        ReadOnlySpan<byte> stat = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"), buffer);
        int name = stat.LastIndexOf((byte)')');
        return name < 0 ? trouble.Failure is not null : stat[(name + 1)..] is [_, not ((byte)'Z' or (byte)'X'), ..];
    }

    // Whether it made the sockets that its command line asks for; also where nobody can tell.
    private bool MayListen(HostView view) =>
        CommandLine.Monitors.All(static monitor => monitor.Kind is not (MonitorKind.Unix or MonitorKind.Abstract))
        || SocketsIn(view) is not { } own
        || view.Sockets(NetNamespace.Of(Pid) ?? NetNamespace.Own) is not { } table
        || table.HasListener(own.Inodes);

    private sealed record AskedParent(int Parent, bool SaysSame, long At);
}
