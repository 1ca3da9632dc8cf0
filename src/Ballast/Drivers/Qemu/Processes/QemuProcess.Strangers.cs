using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

// Processes that are called as QEMU's are and are not believed. Anybody may start thousands of them with a mebibyte of command line each:
// of these, nothing stays open, and nothing is read or kept that is not needed to list them.
internal sealed partial class QemuProcess
{
    private volatile bool _isStranger;

    /// <summary>Whether it is not believed, so that nothing is known of it but that it is there, and whose it is.</summary>
    public bool IsStranger => _isStranger;

    /// <summary>Whose it was when it was found; of a process that is not believed.</summary>
    public uint StrangersUid { get; private init; }

    /// <summary>A process that is not to be believed, if it is called as QEMU's are.</summary>
    /// <param name="pid">The process's id.</param>
    /// <param name="uid">Whose it is.</param>
    /// <param name="mayRead">
    /// Whether its command line may be read: it lies in the memory of the process, whose owner can keep every reader waiting.
    /// </param>
    public static QemuProcess? FindStranger(int pid, uint uid, bool mayRead)
    {
        using LookTrouble trouble = new();
        if (ReadStat(pid) is not { } told
            || (mayRead ? QemuCommandLine.OfStranger(pid) : IsCalledQemu(pid) ? QemuCommandLine.Unread : null) is not { } line)
        {
            return null;
        }

        QemuProcess process = new(pid, line, told, stat: null, statm: null) { _isStranger = true, StrangersUid = uid };
        return process.IsSame && trouble.IsAnswered ? process : null;
    }

    /// <summary>
    /// Whether a process runs a program that is called as QEMU's are, as the kernel knows without the process's memory: by the program's
    /// file, and where this user may not know that, by the name that the kernel took from it.
    /// </summary>
    public static bool IsCalledQemu(int pid)
    {
        // That this user may not know it of others' processes is no news of the look.
        using LookTrouble theirs = new() { IsOfStranger = true };
        if (ReadExecutable(pid) is { } executable)
            return QemuName.IsQemuFile(executable);
        if (!theirs.IsDenied)
            return false;
        Span<byte> buffer = stackalloc byte[64];
        ReadOnlySpan<byte> name = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/comm"), buffer);
        return QemuName.IsQemu(PathText.Decode(name.TrimEnd((byte)'\n')));
    }

    // One that was made by another and runs the same still has the same places in its memory.
    private static bool HasMemoryOf(ProcessStat told, int pid) => told.Memory is { } memory && ReadStat(pid)?.Memory == memory;

    /// <summary>What it says is believed from now on.</summary>
    /// <returns>False where nobody could read it, or it is not there any more.</returns>
    public bool Believe()
    {
        if (!_isStranger)
            return true;
        if (Open(Pid) is not { } believed)
            return false;
        lock (_renewing)
        {
            if (_isClosed || believed.StartTicks != StartTicks)
            {
                believed.Dispose();
                return false;
            }

            (CommandLine, _told, _stat, _statm) = (believed.CommandLine, believed._told, believed._stat, believed._statm);
            _hasStuckFile = believed._hasStuckFile;
            _isStranger = false;
        }

        return true;
    }

    private bool HasStrangerExited()
    {
        ObjectDisposedException.ThrowIf(IsClosed, typeof(QemuProcess));

        // What is dead has no memory: its size is 0.
        return ReadStrangersStat(out bool isAnswer) is { } told ? told.MemorySize == 0 : isAnswer;
    }

    // Its id may be another's by now, which its start tells.
    private ProcessStat? ReadStrangersStat(out bool isAnswer)
    {
        using LookTrouble trouble = new();
        ProcessStat? told = ReadStat(Pid);
        isAnswer = trouble.Failure is null && (told is not null || !ProcessTable.IsThere(Pid));
        return told?.StartTicks == StartTicks ? told : null;
    }

    private bool TryReadAgain(string name, ref Span<byte> text)
    {
        int length = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/{name}"), text).Length;
        text = text[..length];
        return length > 0;
    }
}
