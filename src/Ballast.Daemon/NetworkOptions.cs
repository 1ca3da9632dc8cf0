using Ballast.Server;

namespace Ballast.Daemon;

/// <summary>What clients of other hosts need of the configuration.</summary>
internal static class NetworkOptions
{
    /// <summary>Who is let in by TLS, with the certificates as they are now; null: TLS is not listened for.</summary>
    /// <exception cref="UsageException">A certificate or key is missing, or of no use.</exception>
    public static TlsAccess? ReadTls(DaemonOptions options)
    {
        if (options.Tls is null)
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
