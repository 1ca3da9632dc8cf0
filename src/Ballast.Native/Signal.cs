using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>
/// A descriptor for the program's event loop: readable from when it was told until it is drained. Where the program has
/// closed it, as one of its own, none of this touches what has its number now.
/// </summary>
internal sealed partial class Signal
{
    private readonly State _state;

    // Who closes it may not be who drains it, and between a look and a read the number may come to be another file's.
    private readonly Lock _gate = new();
    private bool _isClosed;

    /// <exception cref="CallException">There is no room for one.</exception>
    public Signal()
    {
        if (OpenSignal(out _state) is not 0 and var errno)
            throw CallException.System(errno, "a descriptor for events cannot be opened");
    }

    public int Descriptor => _state.Reader;

    /// <summary>Whether the program has left it to us.</summary>
    public bool IsOurs
    {
        get
        {
            lock (_gate)
                return !_isClosed && OwnsSignal(_state) != 0;
        }
    }

    public void Tell()
    {
        lock (_gate)
        {
            if (!_isClosed)
                TellSignal(_state);
        }
    }

    public void Drain()
    {
        lock (_gate)
        {
            if (!_isClosed)
                DrainSignal(_state);
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            if (!_isClosed)
                CloseSignal(_state);
            _isClosed = true;
        }
    }

    [LibraryImport("shim", EntryPoint = "shim_open_signal")]
    private static partial int OpenSignal(out State signal);

    [LibraryImport("shim", EntryPoint = "shim_owns_signal")]
    private static partial int OwnsSignal(in State signal);

    [LibraryImport("shim", EntryPoint = "shim_tell_signal")]
    private static partial void TellSignal(in State signal);

    [LibraryImport("shim", EntryPoint = "shim_drain_signal")]
    private static partial void DrainSignal(in State signal);

    [LibraryImport("shim", EntryPoint = "shim_close_signal")]
    private static partial void CloseSignal(in State signal);

    [StructLayout(LayoutKind.Sequential)]
    private struct State
    {
        public int Reader;
        public int Writer;
        public CULong ReaderInode;
        public CULong WriterInode;
    }
}
