using System.Runtime.InteropServices;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Transports;

/// <summary>
/// A program of ours, by the C library's own call: the runtime's would take over the signals of the program around us. It
/// inherits no descriptor but its standard ones. Signals go to the process that was started, and to no later one of its number.
/// </summary>
internal sealed class SpawnedProgram : IAsyncDisposable
{
    private const int OpenReadWrite = 2, OpenNoTerminal = 0x100, CloseOnExec = 0x80000;
    private const int Terminate = 15, Kill = 9;
    private const int ByPid = 1, ByPidfd = 3, Exited = 4, WithoutWaiting = 1;
    private const int CodeOffset = 8, PidOffset = 16, StatusOffset = 24, InformationBytes = 128;
    private const int ByItself = 1;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromMilliseconds(20);

    private readonly int _pid;
    private readonly SafeFileHandle _pidfd;
    private readonly Lock _reaping = new();
    private bool _isOver;

    private SpawnedProgram(int pid)
    {
        _pid = pid;
        _pidfd = new SafeFileHandle((nint)Libc.SyscallPidfdOpen(Libc.PidfdOpen, pid, 0), ownsHandle: true);
    }

    /// <summary>Null while it runs, where a signal ended it, and where somebody else in this process was told.</summary>
    public int? ExitStatus { get; private set; }

    /// <summary>The signal that ended it.</summary>
    public int? Signal { get; private set; }

    /// <summary>Whether a program that is started now can ask somebody something.</summary>
    public static bool HasTerminal()
    {
        using SafeFileHandle terminal = new(Libc.Open("/dev/tty", OpenReadWrite | OpenNoTerminal | CloseOnExec), ownsHandle: true);
        return !terminal.IsInvalid;
    }

    /// <param name="file">Looked for in PATH where it is a name alone.</param>
    /// <param name="arguments">Behind its name.</param>
    /// <param name="standard">Its input and output.</param>
    /// <param name="errors">Its standard error.</param>
    /// <param name="program">The program, or null.</param>
    /// <returns>The kernel's error number; 0 where it runs.</returns>
    public static int TryStart(string file, IReadOnlyList<string> arguments, SafeHandle standard, SafeHandle errors, out SpawnedProgram? program)
    {
        int errno = ProgramStart.Spawn(file, arguments, standard, errors, out int pid);
        program = errno == 0 ? new SpawnedProgram(pid) : null;
        return errno;
    }

    /// <summary>Until it has ended, but no longer than that.</summary>
    /// <returns>Whether it has.</returns>
    public async Task<bool> WaitAsync(TimeSpan patience)
    {
        // Whatever clock the connection has: a process ends in the system's time.
        long since = TimeProvider.System.GetTimestamp();
        for (TimeSpan pause = TimeSpan.FromMilliseconds(1); !TryReap(); pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            if (TimeProvider.System.GetElapsedTime(since) >= patience)
                return false;
            await Task.Delay(pause).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>Ends it if it still runs: asks first, so that it leaves a terminal as it was.</summary>
    public async ValueTask DisposeAsync()
    {
        Send(Terminate);
        if (!await WaitAsync(Patience).ConfigureAwait(false))
        {
            Send(Kill);
            _ = await WaitAsync(Patience).ConfigureAwait(false);
        }

        lock (_reaping)
        {
            _isOver = true;
            _pidfd.Dispose();
        }
    }

    private void Send(int signal)
    {
        lock (_reaping)
        {
            // Not reaped yet, the number is still its own; whether somebody else has done that is looked at first.
            if (!_isOver && !Reap())
                _ = _pidfd.IsInvalid ? Libc.Kill(_pid, signal) : (int)Libc.SyscallPidfdSendSignal(Libc.PidfdSendSignal, (int)_pidfd.DangerousGetHandle(), signal, 0, 0);
        }
    }

    private bool TryReap()
    {
        lock (_reaping)
            return _isOver || Reap();
    }

    // Within the lock.
    private bool Reap()
    {
        Span<byte> information = stackalloc byte[InformationBytes];
        information.Clear();
        int found = Libc.WaitId(
            _pidfd.IsInvalid ? ByPid : ByPidfd, _pidfd.IsInvalid ? _pid : (int)_pidfd.DangerousGetHandle(), information, Exited | WithoutWaiting);
        if (found == 0 && MemoryMarshal.Read<int>(information[PidOffset..]) == 0)
            return false;

        // Where the call fails, the program around us has reaped what was ours.
        _isOver = true;
        if (found != 0)
            return true;
        int status = MemoryMarshal.Read<int>(information[StatusOffset..]);
        if (MemoryMarshal.Read<int>(information[CodeOffset..]) == ByItself)
            ExitStatus = status;
        else
            Signal = status;
        return true;
    }
}
