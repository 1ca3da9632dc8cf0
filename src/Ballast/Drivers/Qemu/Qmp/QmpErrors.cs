using System.Globalization;
using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Transports;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>What goes wrong with a monitor, as libvirt's errors.</summary>
internal static class QmpErrors
{
    private const int Eacces = 13;
    private const int Eperm = 1;
    private const int NoEntry = 2;
    private const int ConnectionRefused = 111;

    public static LibvirtException Timeout(string path, TimeSpan waited) =>
        Report(ErrorCode.OperationTimeout, $"QEMU monitor '{path}' did not answer within {Seconds(waited)}");

    public static LibvirtException KnownHung(string path, TimeSpan silent) =>
        Report(ErrorCode.OperationTimeout, $"QEMU monitor '{path}' has not answered for {Seconds(silent)}; it was not asked again");

    public static LibvirtException StillSilent(string domain) =>
        Report(ErrorCode.OperationTimeout, $"QEMU monitor of '{domain}' sent no greeting before; Ballast did not wait for it again");

    /// <summary>Nobody is ended because a file calls it so.</summary>
    public static LibvirtException NameIsGuess(string domain, int pid, LibvirtException silence) =>
        Report(ErrorCode.OperationTimeout,
            $"{silence.Str2}; process {pid} was not ended: only a configuration file that may have changed since QEMU read it gives it the name '{domain}'. "
            + $"Check which guest it is, then end the process yourself (kill {pid})");

    public static LibvirtException WriteTimeout(string path, string command, TimeSpan waited) =>
        Report(ErrorCode.OperationTimeout,
            $"QEMU monitor '{path}' did not answer {command} within {Seconds(waited)}; it may still take effect");

    public static LibvirtException NotSent(string path, string command, TimeSpan waited) =>
        Report(ErrorCode.OperationTimeout,
            $"QEMU monitor '{path}' did not answer an earlier question within {Seconds(waited)}; {command} was not sent");

    /// <summary>The monitor answers, but so many were before the caller that its time passed.</summary>
    /// <param name="path">The monitor.</param>
    /// <param name="command">What was not sent; null for a question.</param>
    /// <param name="waited">For so long.</param>
    public static LibvirtException Crowded(string path, string? command, TimeSpan waited) =>
        Report(ErrorCode.OperationTimeout,
            $"Other calls kept QEMU monitor '{path}' busy for {Seconds(waited)}; {(command is null ? "it was not asked" : $"{command} was not sent")}");

    /// <summary>The same of a command that was sent in the end, and has no answer yet.</summary>
    public static LibvirtException SentLate(string path, string command, bool changesSomething, TimeSpan waited) =>
        Report(ErrorCode.OperationTimeout,
            $"Other calls kept QEMU monitor '{path}' busy, and it did not answer {command} within {Seconds(waited)}"
            + (changesSomething ? "; it may still take effect" : ""));

    public static LibvirtException Busy(string path, string? holder = null, string remedy = "") =>
        Report(ErrorCode.ResourceBusy,
            $"QEMU monitor '{path}' is held by {holder ?? "another program"}; it serves one client at a time{remedy}");

    /// <param name="path">The monitor.</param>
    /// <param name="holder">Who holds it, and the URI to ask it by where it is a daemon; null where nobody can tell.</param>
    public static LibvirtException HeldBy(string path, (string Text, string? Uri)? holder) => holder is { Uri: { } uri }
        ? Report(ErrorCode.ResourceBusy, $"QEMU monitor '{path}' is held by {holder.Value.Text}, a daemon: ask it, -c '{uri}'")
        : Busy(path, holder?.Text, holder?.Text.StartsWith("ballast (", StringComparison.Ordinal) == true
            ? ": end that command first, or start ballastd before both, which lets them share it" : "");

    public static LibvirtException Managed(string name, string manager) =>
        Report(ErrorCode.ResourceBusy,
            $"the monitor of '{name}' belongs to {manager}: ask {manager}, give QEMU a second monitor, or name this one's socket");

    /// <param name="name">The QEMU.</param>
    /// <param name="unread">A configuration file (-readconfig) that could not be read as QEMU read it, where a monitor may be named; escaped.</param>
    public static LibvirtException NoMonitor(string name, string? unread = null) =>
        Report(ErrorCode.OperationUnsupported,
            $"'{name}' offers no QMP monitor on a Unix socket: start QEMU with -qmp unix:PATH,server=on,wait=off"
            + (unread is null ? "" : $"; its configuration file '{unread}' could not be read or was changed since QEMU read it; if it defines a monitor, name its socket"));

    /// <summary>A monitor that is not reached by a unix socket: nobody could prove whose it is.</summary>
    public static LibvirtException NotUnix(string name, string address) =>
        Report(ErrorCode.OperationUnsupported,
            $"'{name}' offers its QMP monitor on {address}, where Ballast cannot verify that it belongs to this QEMU: start QEMU with -qmp unix:PATH,server=on,wait=off");

    public static LibvirtException NotTrusted(string name, string why) =>
        LibvirtError.System(Eacces, ErrorOrigin.Qemu, $"the monitor of '{name}' is not used: {why}", MemoryStatsReason.NotTrusted);

    /// <summary>The socket at a process's path is not its own.</summary>
    public static LibvirtException WrongPeer(string path, int? expected, UnixSocketPeer peer) =>
        NotOwn(path, expected, peer.Pid == 0 ? "a process that Ballast cannot see" : SocketHolder.Describe(peer.Pid), peer.Uid);

    /// <summary>The same, told from the descriptor tables of both.</summary>
    public static LibvirtException NotOwn(string path, int? expected, string other, uint? uid) =>
        LibvirtError.System(Eacces, ErrorOrigin.Qemu, string.Create(CultureInfo.InvariantCulture,
            $"QEMU monitor '{path}' of process {expected ?? 0} is not used: its socket belongs to another process, {other}{(uid is null ? "" : $"; user {uid} listens there")}"));

    /// <summary>The process listens there, but another one that was passed the same socket was quicker.</summary>
    public static LibvirtException OtherAccepted(string path, int pid) =>
        LibvirtError.System(Eacces, ErrorOrigin.Qemu, string.Create(CultureInfo.InvariantCulture,
            $"QEMU monitor '{path}' of process {pid} is not used: another process listens on the same socket and accepted the connection; "
            + $"give each QEMU a socket of its own"));

    /// <summary>The process listens there, but so does another one, whose the monitor is taken for.</summary>
    public static LibvirtException ListensToo(string path, int pid, int other) =>
        LibvirtError.System(Eacces, ErrorOrigin.Qemu, string.Create(CultureInfo.InvariantCulture,
            $"QEMU monitor '{path}' of process {pid} is not used: process {other} listens on the same socket; give each QEMU a socket of its own"));

    /// <summary>What was found is not there any more, but something else is.</summary>
    public static LibvirtException Replaced(string path) =>
        LibvirtError.System(ConnectionRefused, ErrorOrigin.Qemu, $"QEMU monitor '{path}' is gone: its path leads to another socket now");

    /// <summary>The host could not be looked at, which says nothing of what is there.</summary>
    public static LibvirtException CannotLook(LookFailure failure) =>
        LibvirtError.Unseen(failure.Errno, ErrorOrigin.Qemu,
            failure == LookFailure.NoProcesses
                ? "/proc shows no processes, so Ballast cannot find any QEMU: mount it (mount -t proc proc /proc)"
                : failure.Errno == HostLook.LeftOut ? CallDoesNotReturn(failure.What)
                : $"Cannot look at '{failure.What}': {failure.Why ?? Marshal.GetPInvokeErrorMessage(failure.Errno)}");

    /// <summary>Of what no look says anything until a call has returned.</summary>
    public static string CallDoesNotReturn(string what) =>
        $"Cannot look at '{what}': " + (HangingCalls.LeavesOutForOthers(what)
            ? "too many system calls about files of its kind do not return; Ballast leaves it out until one does"
            : "the system call does not return; Ballast leaves it out until it does") + $" ({HostLook.StuckCalls} such calls now)";

    /// <summary>Sockets are reached, and looked at, through this process's own files in /proc.</summary>
    public static LibvirtException NoOwnProc(string path) =>
        LibvirtError.Unseen(NoEntry, ErrorOrigin.Qemu,
            $"QEMU monitor '{path}' is not used: /proc does not show this process (it belongs to another PID namespace, or is not mounted); "
            + "enter that namespace too (nsenter --pid), or mount a /proc of your own");

    /// <summary>Whether an error says nothing of who is there: nobody could look, or connect, for a reason of our own.</summary>
    public static bool ProvesNothing(LibvirtException error) =>
        error.ProvesNothing || (error.Code == ErrorCode.SystemError && LookTrouble.IsFailure(error.Int1));

    public static LibvirtException HolderUnknown(string path) => !ProcessTable.ShowsSelf
        ? NoOwnProc(path)
        : LibvirtError.System(Eacces, ErrorOrigin.Qemu,
            $"QEMU monitor '{path}' is not used: it is in a network namespace that this user may not inspect, so Ballast cannot see "
            + "whether another program holds it; run as root, or name its socket");

    /// <param name="path">The path as QEMU was given it.</param>
    /// <param name="why">What was looked for.</param>
    /// <param name="isDenied">Whether this user may not look everywhere.</param>
    public static LibvirtException NotLocated(string path, string why, bool isDenied = false) =>
        LibvirtError.System(isDenied ? Eacces : NoEntry, ErrorOrigin.Qemu,
            $"QEMU monitor '{path}' was not found: {why}; {(isDenied ? "run as root, ask ballastd, or name its socket" : "name its socket by its current path")} (qmp:///ABSOLUTE/PATH)");

    public static LibvirtException WaitsForController(string path) =>
        Report(ErrorCode.ResourceBusy,
            $"QEMU waits for its controller to connect to '{path}' (server=on without wait=off), or its controller has already disconnected; "
            + "the guest starts when any client connects: start the controller, or name the socket to start the guest yourself");

    public static LibvirtException NotAccepting(string path) =>
        Report(ErrorCode.OperationTimeout, $"QEMU monitor '{path}' does not accept connections");

    /// <summary>An error before a change was sent, which says so.</summary>
    public static LibvirtException NotSent(LibvirtException timeout, string command) =>
        Report(ErrorCode.OperationTimeout, $"{timeout.Str2}; {command} was not sent");

    /// <summary>The same error of a change that was under way: nobody can tell whether QEMU still carried it out.</summary>
    public static LibvirtException Unfinished(LibvirtException error, string command)
    {
        string more = $"; {command} was sent and may still take effect";
        return new LibvirtException(error.Code, error.Origin, error.Message + more, error.InnerException)
        {
            Level = error.Level,
            Str1 = error.Str1,
            Str2 = (error.Str2 ?? error.Message) + more,
            Str3 = error.Str3,
            Int1 = error.Int1,
            Int2 = error.Int2,
            Reason = error.Reason,
            IsLasting = error.IsLasting,
            ProvesNothing = error.ProvesNothing,
        };
    }

    public static LibvirtException NoGreeting(string path, TimeSpan waited) =>
        Report(ErrorCode.OperationTimeout, $"QEMU monitor '{path}' sent no greeting within {Seconds(waited)}");

    public static LibvirtException Lost(string path, Exception? cause)
    {
        int errno = (cause as ConnectionBrokenException)?.Errno ?? 0;
        string why = cause switch
        {
            null => "end of file",
            _ => cause.Message,
        };
        return LibvirtError.System(errno, ErrorOrigin.Rpc, $"Connection to QEMU monitor '{path}' was lost: {why}", cause);
    }

    /// <summary>A monitor that misbehaved again and again is not connected to for a while.</summary>
    public static LibvirtException LeftAlone(string path, Exception why, TimeSpan left) =>
        LibvirtError.System(0, ErrorOrigin.Rpc,
            $"Connection to QEMU monitor '{path}' was lost: {why.Message}; this has happened before, so Ballast does not connect again for {Seconds(TimeSpan.FromSeconds(Math.Ceiling(left.TotalSeconds)))}", why);

    public static LibvirtException CannotConnect(string path, int errno) =>
        LibvirtError.System(errno, ErrorOrigin.Qemu,
            $"Failed to connect socket to '{path}': {Marshal.GetPInvokeErrorMessage(errno)}{WhatToDo(path, errno)}");

    private static string WhatToDo(string path, int errno) => errno switch
    {
        NoEntry => "; QEMU creates one there if it is started with -qmp unix:PATH,server=on,wait=off",
        ConnectionRefused => LinuxFiles.Stat(path, followsLinks: true) is { IsSocket: false }
            ? "; it is not a socket"
            : "; no process listens there: its QEMU has exited or closed it",
        Eacces or Eperm => "; run as QEMU's user or root, or ask ballastd",
        _ => "",
    };

    public static bool IsNotFound(LibvirtException error) => error is { Code: ErrorCode.SystemError, Int1: NoEntry };

    /// <summary>Whether a socket lies there that nobody has open.</summary>
    public static bool IsNobodyThere(LibvirtException error) => error is { Code: ErrorCode.SystemError, Int1: ConnectionRefused };

    public static bool IsPermissionDenied(LibvirtException error) =>
        error is { Code: ErrorCode.SystemError, Int1: Eacces or Eperm };

    public static LibvirtException Refused(string command, QmpError error) =>
        Report(ErrorCode.InternalError, $"unable to execute QEMU command '{command}': {error.Description}");

    private static LibvirtException Report(ErrorCode code, string detail) => LibvirtError.Report(code, ErrorOrigin.Qemu, detail);

    private static string Seconds(TimeSpan time) =>
        time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + " s";
}
