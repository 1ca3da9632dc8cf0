using System.Globalization;

namespace Ballast.Cli.Doctor;

/// <summary>Whom a connection asks: a daemon, or QEMUs without one.</summary>
internal static class Respondent
{
    /// <summary>In words, with the time that a daemon took to answer.</summary>
    public static async ValueTask<string> DescribeAsync(CommandInvocation invocation)
    {
        Connection connection = invocation.Connection;
        if (!connection.IsRemote)
        {
            return connection.DriverType == "TEST" ? "simulated guests, in this process"
                : connection.Uri is "qmp:///" ? "this host's QEMUs, without a daemon"
                : "QEMU's monitor, without a daemon";
        }

        long since = invocation.TimeProvider.GetTimestamp();
        try
        {
            Version version = await connection.GetLibraryVersionAsync(invocation.CancellationToken);
            TimeSpan took = invocation.TimeProvider.GetElapsedTime(since);
            string who = await IsOursAsync(invocation) ? "ballastd" : $"libvirt's daemon {version}";
            return string.Create(CultureInfo.InvariantCulture, $"{who}, which answered in {took.TotalMilliseconds:0.###} ms");
        }
        catch (LibvirtException e)
        {
            return $"a daemon ({e.Message})";
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
