using System.Globalization;

namespace Ballast.Cli.Doctor;

/// <summary>Whom a connection asks: a daemon, or QEMUs without one.</summary>
/// <param name="Text">In words, with the time that a daemon took to answer.</param>
/// <param name="OtherVersion">Of which version ballastd is, in words, where that is not this program's.</param>
internal sealed record Respondent(string Text, string? OtherVersion = null)
{
    public static async ValueTask<Respondent> OfAsync(CommandInvocation invocation)
    {
        Connection connection = invocation.Connection;
        if (!connection.IsRemote)
        {
            return new(connection.DriverType == "TEST" ? "simulated guests, in this process"
                : connection.Uri is "qmp:///" ? "this host's QEMUs, without a daemon"
                : "QEMU's monitor, without a daemon");
        }

        long since = invocation.TimeProvider.GetTimestamp();
        try
        {
            Version version = await connection.GetLibraryVersionAsync(invocation.CancellationToken);
            TimeSpan took = invocation.TimeProvider.GetElapsedTime(since);
            string? own = await connection.GetDaemonVersionAsync(invocation.CancellationToken);
            bool isOlder = own is null && await IsOursAsync(invocation);
            string who = own is not null ? $"ballastd {own}" : isOlder ? "an older ballastd" : $"libvirt's daemon {version}";
            return new(
                string.Create(CultureInfo.InvariantCulture, $"{who}, which answered in {took.TotalMilliseconds:0.###} ms"),
                isOlder ? "of an older version" : own is not null && own != CliProgram.Version ? $"of version {own}" : null);
        }
        catch (LibvirtException e)
        {
            return new($"a daemon ({e.Message})");
        }
    }

    // libvirt's daemon has no such call; ballastd may have no such host.
    private static async ValueTask<bool> IsOursAsync(CommandInvocation invocation)
    {
        try
        {
            return (await invocation.Connection.GetHostMemoryAsync(cancellationToken: invocation.CancellationToken)).Reason != MemoryStatsReason.UnsupportedByDaemon;
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            return true;
        }
    }
}
