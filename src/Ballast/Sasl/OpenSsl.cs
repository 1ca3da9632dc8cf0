using System.Runtime.InteropServices;

namespace Ballast.Sasl;

/// <summary>The system's library for cryptography, without which the runtime would end the process.</summary>
internal static class OpenSsl
{
    private static readonly Lazy<bool> IsThere = new(static () =>
    {
        foreach (string name in (string[])["libssl.so.3", "libssl.so.1.1", "libssl.so"])
        {
            if (NativeLibrary.TryLoad(name, out _))
                return true;
        }

        return false;
    });

    /// <exception cref="LibvirtException"><see cref="ErrorCode.AuthenticationUnavailable"/>: there is none.</exception>
    public static void Require()
    {
        if (!IsThere.Value)
        {
            throw LibvirtError.Report(
                ErrorCode.AuthenticationUnavailable, ErrorOrigin.Authentication, "SASL needs the system's OpenSSL (libssl.so.3): install it (on Debian: libssl3)");
        }
    }
}
