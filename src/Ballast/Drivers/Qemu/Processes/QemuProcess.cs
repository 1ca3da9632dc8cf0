using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>
/// A QEMU as the host sees it. The files of /proc are kept open: they belong to this process even when its id is given
/// to another one later, and reading one again is a single system call.
/// </summary>
internal sealed partial class QemuProcess : IMonitorOwner, IDisposable
{
    /// <summary>EINVAL, as the kernel says it of a process in a PID namespace that is not ours, nor within it.</summary>
    public const int OtherNamespace = 22;

    private static readonly ulong PageKiB = (ulong)Environment.SystemPageSize / 1024;

    private readonly Lock _renewing = new();
    private readonly Lock _rssGate = new();
    private KeptFile? _stat;
    private KeptFile? _statm;
    private volatile bool _isClosed;
    private volatile bool _isGone;
    private volatile bool _couldNotRenew;

    // What its resident memory was after an answer.
    private long _rssAnswer;
    private ulong? _rssKiB;

    // As the last look saw its table; negative: none did.
    private volatile int _freeDescriptor = -1;

    // Whether a file that it names was left out, since its file system did not answer.
    private bool _hasStuckFile;

    private QemuProcess(int pid, QemuCommandLine commandLine, ProcessStat told, KeptFile? stat, KeptFile? statm)
    {
        Pid = pid;
        CommandLine = commandLine;
        _stat = stat;
        _statm = statm;
        _told = told;
        StartTicks = told.StartTicks;
    }

    public int Pid { get; }

    /// <summary>What it says; of a process that is not believed, nothing.</summary>
    public QemuCommandLine CommandLine { get; private set; }

    public bool IsClosed => _isClosed && !_isGone;

    /// <summary>Whether the process is gone, or dead and not yet waited for.</summary>
    /// <exception cref="ObjectDisposedException">The connection was closed, so that nobody can tell.</exception>
    public bool HasExited
    {
        get
        {
            // A look at all domains asks this of each, and of its files this one costs the kernel least. What is dead has no
            // memory: its size is 0.
            Span<byte> text = stackalloc byte[256];
            if (IsStranger)
                return HasStrangerExited();
            if (!Kept(ref _statm).TryRead(ref text, out bool isAnswer))
            {
                // Closed with the connection, the file tells nothing: "gone" would be a lie.
                ObjectDisposedException.ThrowIf(IsClosed, typeof(QemuProcess));
                return isAnswer && !_couldNotRenew;
            }

            return text is [(byte)'0', ..];
        }
    }

    /// <summary>When the process started, in clock ticks since the host booted; 0 where it is gone.</summary>
    public ulong StartTicks { get; }

    /// <summary>The user that it acts as; null where it is gone.</summary>
    public uint? Uid => ProcessTable.OwnerOf(Pid);

    /// <summary>The sockets that it has open, as a look sees them; null where this user may not know.</summary>
    public ProcessSockets? SocketsIn(HostView view)
    {
        ProcessSockets? sockets = view.SocketsOf(Pid);
        if (sockets is not null)
            _freeDescriptor = sockets.FreeDescriptor;
        return sockets;
    }

    public bool? HasSocket(uint inode)
    {
        // What it accepted since its table was read mostly has the number that was free then, so that one link shows it.
        if (_freeDescriptor is >= 0 and var free && ProcessSockets.Read(Pid, free) == inode)
            return true;
        return ProcessSockets.Read(Pid)?.Contains(inode);
    }

    /// <summary>
    /// The process with an id, if it is a QEMU: called as QEMU's are, or running a program that is. What it is called may
    /// still be a lie: who was not named has to be trusted too.
    /// </summary>
    public static QemuProcess? Find(int pid) => pid > 0 ? Open(pid) : null;

    /// <summary>Resident memory in KiB, read once for all who share an answer of the monitor, after it came; null where the process is gone.</summary>
    /// <param name="answer">The answer's number; 0: there is none to share.</param>
    public ulong? ReadRssKiB(long answer)
    {
        lock (_rssGate)
        {
            if (answer != 0 && answer == _rssAnswer)
                return _rssKiB;
        }

        ulong? kib = ReadRssKiB();
        lock (_rssGate)
            (_rssAnswer, _rssKiB) = (answer, kib);
        return kib;
    }

    /// <summary><see cref="HasExited"/>, read no more than once for all who share an answer of the monitor; what was read with it tells as much.</summary>
    /// <param name="answer">The answer's number; 0: there is none to share.</param>
    /// <exception cref="ObjectDisposedException">The connection was closed, so that nobody can tell.</exception>
    public bool HasExitedBy(long answer)
    {
        lock (_rssGate)
        {
            // A live QEMU has memory, so that 0 or nothing is looked at more closely.
            if (answer != 0 && answer == _rssAnswer && _rssKiB > 0)
                return false;
        }

        return HasExited;
    }

    /// <summary>Resident memory in KiB; null where the process is gone.</summary>
    public ulong? ReadRssKiB()
    {
        Span<byte> text = stackalloc byte[256];
        if (IsStranger ? !TryReadAgain("statm", ref text) || HasExited : !Kept(ref _statm).TryRead(ref text))
            return null;
        // size resident shared …, in pages
        int space = text.IndexOf((byte)' ');
        ReadOnlySpan<byte> rest = text[(space + 1)..];
        return System.Buffers.Text.Utf8Parser.TryParse(rest, out ulong pages, out _) ? pages * PageKiB : null;
    }

    /// <summary>CPU time of the process, of itself and of the kernel for it; null where it is gone.</summary>
    public (TimeSpan User, TimeSpan System)? ReadCpuTime() => ReadStat() is { } told ? (told.UserTime, told.SystemTime) : null;

    /// <summary>A UUID (version 8) that stays the same as long as this process lives, for QEMUs that have none.</summary>
    public Guid DeriveUuid() => DerivedUuid.From($"{Pid}/{StartTicks}");

    /// <summary>Sends the process a signal, and nobody else who was given its id since; whether it still runs the same program is to be asked before.</summary>
    /// <returns>
    /// The kernel's error number; 0 where it was sent, or the process is gone. <see cref="OtherNamespace"/>: the process is not in this
    /// one's PID namespace, or one within it, and the kernel sends it nothing from here.
    /// </returns>
    public int Signal(int signal)
    {
        const int noSuchProcess = 3;

        // Its directory in /proc is a handle of the process. To open one by the id would be to ask for whoever has the number in
        // our own PID namespace, and /proc may be another one's.
        using SafeFileHandle process = LinuxFiles.OpenDirectory(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}"));
        int error = Marshal.GetLastPInvokeError();
        // Our own file of the process shows that it still lived when the handle was opened: so the handle is its.
        if (HasExited)
            return 0;
        if (process.IsInvalid)
            return error;
        return Libc.SyscallPidfdSendSignal(Libc.PidfdSendSignal, (int)process.DangerousGetHandle(), signal, 0, 0) == 0
            || Marshal.GetLastPInvokeError() is noSuchProcess
            ? 0
            : Marshal.GetLastPInvokeError();
    }

    /// <summary>Whether it was ever made a domain, so that calls may still read its files.</summary>
    public bool IsInUse { get; set; }

    /// <summary>It ended: what it kept open is closed.</summary>
    public void Forget()
    {
        _isGone = true;
        Dispose();
    }

    public void Dispose()
    {
        lock (_renewing)
        {
            _isClosed = true;
            _stat?.Dispose();
            _statm?.Dispose();
        }
    }

    /// <summary>The command line of a process, with what its files say, whether it is a QEMU or not; null where nobody can read it.</summary>
    public static QemuCommandLine? ReadCommandLine(int pid) => ReadStat(pid) is { } told
        && QemuCommandLine.TryRead(pid, out QemuCommandLine? line, path => ReadNamed(pid, path, told.StartTicks, out _)) ? line : null;

    // Its own file first, and a last look at whether it still lives: what was read in between is then its own, and not that
    // of a process that was given its id, or of a program that it became meanwhile.
    private static ConfigurationText? ReadNamed(int pid, string path, ulong startTicks, out bool isStuck)
    {
        isStuck = HostLook.ArePathsStuck(pid);
        using LookTrouble theirs = new() { IsOfStranger = true };
        ConfigurationText? text = ProcessFile.Read(pid, path, startTicks);
        isStuck = text is null && (isStuck || theirs.IsStuck);
        return text;
    }

    /// <summary>What it names is read once more, if that was left out and answers by now: a file system may only have been slow.</summary>
    public void ReadStuckFiles()
    {
        if (!_hasStuckFile || HostLook.ArePathsStuck(Pid))
            return;
        using LookTrouble trouble = new();
        if (TryReadFully(Pid, StartTicks, out QemuCommandLine? commandLine, out bool isStuck) && IsSame && trouble.IsAnswered)
            (CommandLine, _hasStuckFile) = (commandLine, isStuck);
    }

    /// <summary>Whether a file that it names was left out, since its file system did not answer, and was not read since.</summary>
    public bool HasStuckFile => _hasStuckFile;

    /// <summary>The same, and that it can be read now, as far as is known.</summary>
    public bool HasReadableStuckFile => _hasStuckFile && !HostLook.ArePathsStuck(Pid);

    // What it names is read now: who could not read it all may not know its name.
    private static bool TryReadFully(int pid, ulong startTicks, [NotNullWhen(true)] out QemuCommandLine? commandLine, out bool hasStuckFile)
    {
        bool isAnyStuck = false, isRead = false;
        hasStuckFile = false;
        if (!QemuCommandLine.TryRead(pid, out commandLine, Read) || !(commandLine.IsQemu || RunsQemu(pid)))
            return false;
        _ = commandLine.Monitors;
        hasStuckFile = isAnyStuck;
        isRead = true;
        return true;

        ConfigurationText? Read(string path)
        {
            ConfigurationText? text = ReadNamed(pid, path, startTicks, out bool isStuck);
            isAnyStuck |= isStuck;

            // Later, when the whole machine is asked for, whoever asks is told, and what was read without it is not kept.
            if (isStuck && isRead)
                LookTrouble.Note(HostLook.LeftOut, HostLook.PathsOf(pid));
            return text;
        }
    }

    private static QemuProcess? Open(int pid)
    {
        using LookTrouble trouble = new();
        KeptFile stat = OpenFile(pid, "stat");
        QemuProcess? process = null;
        try
        {
            if (stat.IsOpen && ReadStat(stat) is { } told
                && TryReadFully(pid, told.StartTicks, out QemuCommandLine? commandLine, out bool hasStuckFile))
            {
                KeptFile statm = OpenFile(pid, "statm");
                process = new QemuProcess(pid, commandLine, told, stat, statm) { _hasStuckFile = hasStuckFile };
                if (statm.IsOpen && process.IsSame && trouble.IsAnswered)
                    return process;
            }
        }
        catch
        {
            Close();
            throw;
        }

        Close();
        return null;

        void Close()
        {
            process?.Dispose();
            stat.Dispose();
        }
    }

    private static KeptFile OpenFile(int pid, string name) =>
        new(LinuxFiles.OpenToRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{name}")));

    // A program that has closed the files, as descriptors of its own, is no end of the process: they are opened again, if it
    // still is the one that started then.
    private KeptFile Kept(ref KeptFile? file)
    {
        KeptFile kept = Volatile.Read(ref file)!;
        if (kept.IsOurs)
            return kept;
        lock (_renewing)
        {
            if (!_isClosed)
                Renew();
            return file!;
        }
    }

    private void Renew()
    {
        (KeptFile oldStat, KeptFile oldStatm) = (_stat!, _statm!);
        using LookTrouble trouble = new();
        KeptFile stat = OpenFile(Pid, "stat"), statm;
        try
        {
            statm = OpenFile(Pid, "statm");
        }
        catch (LookStuckException)
        {
            stat.Dispose();
            throw;
        }

        // Last: what lives when both are open is the process of both.
        if (ReadStat(stat)?.StartTicks != StartTicks)
        {
            _couldNotRenew = trouble.Failure is not null || (!stat.IsOpen && ProcessTable.IsThere(Pid));
            stat.Dispose();
            statm.Dispose();
            return;
        }

        _couldNotRenew = false;

        Volatile.Write(ref _statm, statm);
        Volatile.Write(ref _stat, stat);
        oldStat.Dispose();
        oldStatm.Dispose();
    }

    // Null where it is gone.
    private ProcessStat? ReadStat() => IsStranger ? ReadStrangersStat(out _) : ReadStat(Kept(ref _stat));

    private static ProcessStat? ReadStat(KeptFile stat)
    {
        Span<byte> text = stackalloc byte[ProcessStat.MaxBytes];
        return stat.TryRead(ref text) ? ProcessStat.Parse(text) : null;
    }

    private static ProcessStat? ReadStat(int pid) => ReadStatIn(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}"));

    private static ProcessStat? ReadStatIn(string directory)
    {
        Span<byte> buffer = stackalloc byte[ProcessStat.MaxBytes];
        return ProcessStat.Parse(LinuxFiles.ReadStart($"{directory}/stat", buffer));
    }

    private static ulong Number(string field) =>
        ulong.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : 0;
}
