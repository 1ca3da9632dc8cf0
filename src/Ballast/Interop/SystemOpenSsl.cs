using System.Runtime.InteropServices;

namespace Ballast.Interop;

/// <summary>The system's library for cryptography, without which the runtime would end the process.</summary>
internal static class SystemOpenSsl
{
    private const string Advice = " needs the system's OpenSSL (libssl.so.3): install it (Debian 12: libssl3; Debian 13: libssl3t64)";

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
    public static void RequireForSasl()
    {
        if (!IsThere.Value)
            throw LibvirtError.Report(ErrorCode.AuthenticationUnavailable, ErrorOrigin.Authentication, "SASL" + Advice);
    }

    /// <exception cref="LibvirtException">There is none.</exception>
    public static void RequireForTls()
    {
        if (!IsThere.Value)
            throw NoTls();
    }

    /// <param name="cause">What is missing; null: all of it.</param>
    public static LibvirtException NoTls(Exception? cause = null) => LibvirtError.Lasting(0, ErrorOrigin.Rpc, "TLS" + Advice, cause);
}
