using System.Runtime.InteropServices;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Transports;

/// <summary>Reads a file of certificates or keys, whatever it is: one that never ends, or that nobody writes to, keeps nobody waiting.</summary>
internal static class PkiFile
{
    private const int NoEntry = 2, CloseOnExec = 0x80000, NonBlocking = 0x800;

    // A list with ten thousand revoked certificates has half of it.
    private const int MostBytes = 4 * 1024 * 1024;

    /// <param name="path">The file.</param>
    /// <param name="what">What it is, for the error.</param>
    /// <param name="isOptional">Whether it may not be there.</param>
    /// <returns>Its bytes; null where it is not there.</returns>
    /// <exception cref="LibvirtException">It cannot be read, in libvirt's words.</exception>
    public static byte[]? Read(string path, string what, bool isOptional)
    {
        using SafeFileHandle file = new(Libc.Open(path, CloseOnExec | NonBlocking), ownsHandle: true);
        if (file.IsInvalid)
        {
            int errno = Marshal.GetLastPInvokeError();
            return isOptional && errno == NoEntry ? null : throw LibvirtError.Lasting(errno, ErrorOrigin.Rpc,
                $"Cannot read {what} '{path}': {Marshal.GetPInvokeErrorMessage(errno)}");
        }

        byte[] bytes = new byte[4096];
        int count = 0;
        while (true)
        {
            int read = (int)Libc.Read(file, bytes.AsSpan(count), bytes.Length - count);
            if (read == 0)
                return bytes[..count];
            count += read;
            if (read < 0 || count > MostBytes)
                throw Unusable(path, what, read < 0 ? "it is not a plain file" : "it is too long");
            if (count == bytes.Length)
                Array.Resize(ref bytes, count * 2);
        }
    }

    public static LibvirtException Unusable(string path, string what, string why, Exception? cause = null) => LibvirtError.Lasting(
        0, ErrorOrigin.Rpc, $"Unable to import {what} {path}: {why}", cause);
}
