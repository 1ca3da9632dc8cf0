using System.Runtime.InteropServices;

namespace Ballast.Transports;

/// <summary>A socket's connection is broken.</summary>
/// <param name="errno">The kernel's error number.</param>
internal sealed class ConnectionBrokenException(int errno) : IOException(Marshal.GetPInvokeErrorMessage(errno))
{
    public int Errno => errno;
}
