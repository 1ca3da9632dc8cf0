using Ballast.Server.Tls;

namespace Ballast.Daemon;

/// <summary>What clients of other hosts need of the configuration.</summary>
internal static class NetworkOptions
{
    /// <summary>Who is let in by TLS, with the certificates as they are now; null: TLS is not listened for.</summary>
    /// <param name="options">The certificates, and who is allowed.</param>
    /// <param name="isPassed">Whether the socket was passed, so that the options need no address.</param>
    /// <exception cref="UsageException">A certificate or key is missing, or of no use.</exception>
    public static TlsAccess? ReadTls(DaemonOptions options, bool isPassed = false)
    {
        if (options.Tls is null && !isPassed)
            return null;
        try
        {
            string key = TlsAccess.KeyFile(options.Pki);
            TlsAccess access = TlsAccess.Load(options.Pki, options.TlsAllowed, options.TlsReaders, TimeProvider.System);
            return (File.GetUnixFileMode(key) & UnixFileMode.OtherRead) == 0
                ? access
                : throw new UsageException($"everybody may read the private key {key}: chmod 600 {key}");
        }
        catch (LibvirtException e)
        {
            throw new UsageException($"tls: {e.Message}");
        }
    }
}
