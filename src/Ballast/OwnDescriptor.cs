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

    // Less than a program needs to close all descriptors, and to open others; more than a call that follows another at once.
    private static readonly long Moment = Stopwatch.Frequency / 20_000;

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

    private readonly SafeHandle _handle;
    private readonly (ulong Device, ulong Inode)? _file;
    private long _lookedAt;
    private volatile bool _isLost;

    public OwnDescriptor(SafeHandle handle)
    {
        _handle = handle;
        _lookedAt = Stopwatch.GetTimestamp();
        _file = AreAtRisk ? Look(handle) : null;
    }

    /// <summary>Looks again where the last look is a moment ago: calls that follow each other at once cost the system nothing more.</summary>
    public bool IsOurs => _file is null || (!_isLost && (!HasPassed(ref _lookedAt) || IsStillOurs()));

    /// <summary>Whether a moment has passed since a look, which is then to be repeated.</summary>
    public static bool HasPassed(ref long lookedAt) => Stopwatch.GetTimestamp() - Volatile.Read(ref lookedAt) > Moment;

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
        Volatile.Write(ref _lookedAt, Stopwatch.GetTimestamp());
        if (_handle.IsClosed || Look(_handle) == _file)
            return true;
        _isLost = !_handle.IsClosed;
        return !_isLost;
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
