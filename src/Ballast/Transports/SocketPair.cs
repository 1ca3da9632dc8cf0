using System.Runtime.InteropServices;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Transports;

/// <summary>Two sockets that are connected with each other.</summary>
internal static class SocketPair
{
    private const int Unix = 1, Stream = 1, CloseOnExec = 0x80000;

    /// <param name="failure">What cannot be done without them, for the error.</param>
    /// <exception cref="LibvirtException">The system has no room for them.</exception>
    public static (SafeHandle Ours, SafeHandle Its) Make(string failure)
    {
        Span<int> pair = stackalloc int[2];
        if (Libc.SocketPair(Unix, Stream | CloseOnExec, 0, pair) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw LibvirtError.System(errno, ErrorOrigin.Rpc, $"{failure} (socketpair: {Marshal.GetPInvokeErrorMessage(errno)}): raise the limit of open files");
        }

        return (new SafeFileHandle(pair[0], ownsHandle: true), new SafeFileHandle(pair[1], ownsHandle: true));
    }
}
