using Ballast.Cli.Output;

namespace Ballast.Cli.Commands;

/// <summary>Says why a domain cannot be asked, and who keeps it from being asked, which libvirt's answers do not say.</summary>
internal static class MonitorWarning
{
    public static async ValueTask WriteAsync(CommandInvocation invocation, Domain domain)
    {
        try
        {
            MemoryStats stats = await domain.GetMemoryStatsAsync(cancellationToken: invocation.CancellationToken);
            if (stats.Reason != MemoryStatsReason.Fresh)
                invocation.Warn(MemoryRemark.Of(domain, stats));
        }
        catch (LibvirtException e)
        {
            invocation.Warn(e.Message);
        }
    }
}
