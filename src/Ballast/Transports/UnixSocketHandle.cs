using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Transports;

/// <summary>
/// A socket that tells when it is closed. To dispose of it is not enough: a call on another thread that still uses it puts that off, if
/// only because its thread gets no processor, and its peer is served meanwhile.
/// </summary>
internal sealed class UnixSocketHandle : SafeHandleMinusOneIsInvalid
{
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public UnixSocketHandle(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>What the kernel said before it was connected; null where it was not asked.</summary>
    public UnwantedDescriptors.Refusal? Refusal { get; set; }

    /// <summary>Completes when it is closed, or was given up.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Its number is another file's: it is never closed.</summary>
    public void Abandon()
    {
        SetHandleAsInvalid();
        _closed.TrySetResult();
    }

    protected override bool ReleaseHandle()
    {
        bool isClosed = Libc.Close((int)handle) == 0;
        _closed.TrySetResult();
        return isClosed;
    }
}
