using System.Diagnostics;
using System.Runtime.InteropServices;
using Ballast.Interop;

namespace Ballast;

/// <summary>
/// Whether the number of a descriptor is still ours. A program that closes descriptors which are not its own, as those that
/// become daemons do, closes ours, and its next files get their numbers: what is then written to, read or closed is the program's.
/// </summary>
internal sealed partial class OwnDescriptor
{
    private const int StatBytes = 256;

    // Less than a call of ours takes: on a thread that has seen something of ours since, no code of the program has run.
    private static readonly long Moment = Stopwatch.Frequency / 20_000;

    // For so long a file that was closed alone, by mistake, is not noticed while others are ours.
    private static readonly long Trust = Stopwatch.Frequency;

    // Where the C library counts the program's forks, and how often it went on after a call.
    private static readonly nint Forks = CountOf("Ballast.Forks"), ReturnCount = CountOf("Ballast.Returns");

    // The C library's function is no symbol of older ones.
    private static readonly long StatCall = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 5,
        Architecture.Arm64 => 80,
        _ => -1,
    };

    /// <summary>
    /// Whether the program around us may do so: one that loaded the C library. A program of .NET that did would take the
    /// runtime's own descriptors too, and nothing looks.
    /// </summary>
    public static bool AreAtRisk { get; } = AppContext.TryGetSwitch("Ballast.DescriptorsAtRisk", out bool areAtRisk) && areAtRisk;

    // What this thread saw last to be ours, and when.
    [ThreadStatic]
    private static OwnDescriptor? _seen;

    [ThreadStatic]
    private static long _seenAt;

    private readonly SafeHandle _handle;
    private readonly (ulong Device, ulong Inode)? _file;
    private readonly long _madeAt;
    private long _lookedAt;
    private volatile bool _isLost;

    public OwnDescriptor(SafeHandle handle)
    {
        _handle = handle;
        _madeAt = _lookedAt = Stopwatch.GetTimestamp();
        _file = AreAtRisk ? Look(handle) : null;
    }

    /// <summary>Looks again, unless this thread has just looked: what is written or received is never another file's.</summary>
    public bool IsOurs => _file is null || (!_isLost && ((_seen == this && IsJustNow(_seenAt)) || IsStillOurs()));

    /// <summary>
    /// The same for what is only read at a place, which harms nobody: it is also believed where this thread has just seen that another
    /// one is ours, which is there since before the last look at this one, and that look was a second ago at most.
    /// </summary>
    public bool IsLikelyOurs => _file is null || (!_isLost && (MayBelieve() || IsStillOurs()));

    /// <summary>
    /// An event of it came on this thread. The system forgets what is waited for when its last copy is closed, so it was not; but a forked
    /// child may have copies.
    /// </summary>
    public void SawEvent(long timestamp)
    {
        if (!HasForked)
            Saw(timestamp);
    }

    /// <summary>How often the program went on after a call of ours that it slept in: what was told before may be untrue since.</summary>
    public static unsafe int Returns => ReturnCount == 0 ? 0 : Volatile.Read(ref *(int*)ReturnCount);

    /// <summary>Whether this was no more than a moment ago.</summary>
    public static bool IsJustNow(long timestamp) => Stopwatch.GetTimestamp() - timestamp <= Moment;

    /// <exception cref="ClosedByProgramException">It is not ours any more.</exception>
    public void ThrowIfLost()
    {
        if (!IsOurs)
            throw new ClosedByProgramException();
    }

    /// <summary>Looks in any case.</summary>
    public bool IsStillOurs()
    {
        if (_file is null)
            return true;
        if (_isLost)
            return false;
        long now = Stopwatch.GetTimestamp();
        if (Look(_handle) == _file)
        {
            Volatile.Write(ref _lookedAt, now);
            Saw(now);
            return true;
        }

        _isLost = !_handle.IsClosed;
        return !_isLost;
    }

    private static unsafe bool HasForked => Forks != 0 && Volatile.Read(ref *(int*)Forks) != 0;

    private static nint CountOf(string name) => AppContext.GetData(name) is nint place ? place : 0;

    private void Saw(long timestamp) => (_seen, _seenAt) = (this, timestamp);

    private bool MayBelieve()
    {
        long lookedAt = Volatile.Read(ref _lookedAt);
        return _seen is { } seen && IsJustNow(_seenAt) && lookedAt >= seen._madeAt && Stopwatch.GetTimestamp() - lookedAt <= Trust;
    }

    // Null where it is closed, or the system does not tell.
    private static (ulong Device, ulong Inode)? Look(SafeHandle handle)
    {
        Span<byte> facts = stackalloc byte[StatBytes];
        try
        {
            return StatCall >= 0 && Libc.SyscallFstat(StatCall, handle, facts) == 0
                ? (MemoryMarshal.Read<ulong>(facts), MemoryMarshal.Read<ulong>(facts[sizeof(ulong)..]))
                : null;
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }
}

/// <summary>The program closed a descriptor that was not its own.</summary>
internal sealed class ClosedByProgramException() : ObjectDisposedException(objectName: null, "the connection was closed by the program");
