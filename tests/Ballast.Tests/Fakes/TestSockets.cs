using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Ballast.Tests.Fakes;

/// <summary>The runtime's sockets in tests of what uses descriptors alone.</summary>
internal static class TestSockets
{
    /// <summary>The descriptor, which is the caller's from now on.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "A forgotten socket must not close it.")]
    public static SafeHandle Release(Socket socket)
    {
        GC.SuppressFinalize(socket);
        return socket.SafeHandle;
    }
}
