using System.Globalization;
using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>
/// The processes that were looked at and are no QEMUs, which most of a host's are. Whoever still runs the same program is none, whoever has
/// the id now: so a look at each costs one system call, and none that needs its memory.
/// </summary>
/// <remarks>
/// A program may run itself again under a QEMU's name, or load one late. That is no QEMU that may be asked before its program is a QEMU's;
/// it is looked at again after a while.
/// </remarks>
internal sealed class OtherPrograms
{
    // Longer paths are not remembered.
    private const int MaxProgramBytes = 512;
    private const int NotPermitted = 1, AccessDenied = 13;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(10);

    private readonly Dictionary<int, Known> _known = [];

    // Other users whose programs this user may not know, as the look under way has met: to be told so of each process would cost a call.
    private readonly HashSet<uint> _hidden = [];

    // Who was asked for last, 0 where that is not known, and the program that was seen last: the next may run the same.
    private int _seen;
    private byte[] _program = [];
    private ProgramKind _kind;

    /// <summary>A look begins: those that are gone are forgotten.</summary>
    public void Keep(IReadOnlyCollection<int> pids)
    {
        _hidden.Clear();
        if (_known.Count <= pids.Count)
            return;
        HashSet<int> there = [.. pids];
        foreach (int pid in _known.Keys.Where(pid => !there.Contains(pid)).ToArray())
            _known.Remove(pid);
    }

    /// <summary>Whether a process is known to be no QEMU; else it has to be looked at.</summary>
    public bool Contains(int pid) => Contains(pid, out _);

    /// <summary>The same.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="owner">Its user, if that had to be looked at.</param>
    public bool Contains(int pid, out uint? owner)
    {
        _seen = 0;
        owner = null;
        _known.TryGetValue(pid, out Known? known);
        bool isFresh = known is not null && TimeProvider.System.GetElapsedTime(known.At) < known.Patience;
        if (isFresh && known!.Program is null)
            return false;

        if (known is null && _hidden.Count > 0 && (owner = ProcessTable.OwnerOf(pid)) is { } uid && _hidden.Contains(uid))
        {
            _known[pid] = Known.Of(null, null);
            return false;
        }

        // That this user may not know it is no news of the look.
        using LookTrouble theirs = new() { IsOfStranger = true };
        Span<byte> target = stackalloc byte[MaxProgramBytes];
        int length = LinuxFiles.ReadLink(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/exe"), target);
        if (length < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno is NotPermitted or AccessDenied)
            {
                _known[pid] = Known.Of(null, known);

                // Of one's own, some may be known and others not.
                if ((owner ??= ProcessTable.OwnerOf(pid)) is { } other && !ProcessTable.IsSelf(other))
                    _hidden.Add(other);
            }

            // The kernel's own and the dead run no program.
            return errno == LinuxFiles.NoEntry;
        }

        ReadOnlySpan<byte> program = target[..length];
        if (isFresh && program.SequenceEqual(known!.Program))
            return true;
        if (length == MaxProgramBytes)
            return false;
        _seen = pid;
        if (!program.SequenceEqual(_program))
            (_program, _kind) = (program.ToArray(), KindOf(QemuProcess.WithoutMark(PathText.Decode(program))));
        return false;
    }

    /// <summary>Whether the process that was asked for last runs a program that is called as QEMU's are.</summary>
    public bool RunsQemu(int pid) => _seen == pid && _kind == ProgramKind.Qemu;

    /// <summary>
    /// Whether the process that was asked for last runs a program that is no QEMU's, and loads no others. What its memory says could make
    /// it no QEMU that may be asked: where nobody can look at that, nobody is missed.
    /// </summary>
    public bool IsOrdinary(int pid) => _seen == pid && _kind == ProgramKind.Ordinary;

    /// <summary>It was looked at since, and is no QEMU.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="isSeen">False where nobody could look at it now: who still runs the program of which it was known is none for longer.</param>
    public void Add(int pid, bool isSeen)
    {
        if (!IsOrdinary(pid))
            return;
        Known? before = _known.GetValueOrDefault(pid);
        if (isSeen || (before?.Program is { } known && known.AsSpan().SequenceEqual(_program)))
            _known[pid] = Known.Of(_program, before);
    }

    private static ProgramKind KindOf(string path) =>
        QemuName.IsQemuFile(path) ? ProgramKind.Qemu
        : QemuName.IsLoader(path) || QemuName.IsUserEmulator(path) ? ProgramKind.Loader
        : ProgramKind.Ordinary;

    private enum ProgramKind
    {
        /// <summary>It loads others, and may not have done it yet.</summary>
        Loader,
        Qemu,
        Ordinary,
    }

    /// <param name="Program">The file that it runs, as the kernel writes it; null where this user may not know.</param>
    /// <param name="At">When it was looked at.</param>
    /// <param name="Patience">How long that holds.</param>
    private sealed record Known(byte[]? Program, long At, TimeSpan Patience)
    {
        public static Known Of(byte[]? program, Known? before)
        {
            bool isSame = before is not null && (program is null ? before.Program is null : program.AsSpan().SequenceEqual(before.Program));
            TimeSpan patience = isSame ? 2 * before!.Patience : First;
            return new Known(program, TimeProvider.System.GetTimestamp(), patience < Longest ? patience : Longest);
        }
    }
}
