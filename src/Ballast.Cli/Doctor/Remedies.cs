using System.Globalization;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Doctor;

/// <summary>What to do about each reason why numbers are not current.</summary>
internal static class Remedies
{
    private const string Monitor = "-qmp unix:PATH,server=on,wait=off",
        MonitorXml = "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-qmp'/>"
            + "<qemu:arg value='unix:PATH,server=on,wait=off'/></qemu:commandline>";

    /// <param name="line">The guest.</param>
    /// <param name="qemu">Its process; null where it is not on this host.</param>
    /// <param name="state">What it does instead of running, where it is paused.</param>
    public static Remedy For(MemoryLine line, LocalQemu? qemu, DomainStateInfo? state)
    {
        Domain domain = line.Domain;
        string refresh = ShellCommand.On(domain, "dommemstat", "--refresh");
        bool isOfLibvirt = qemu?.IsOfLibvirt == true;
        return line.Stats.Reason switch
        {
            MemoryStatsReason.Paused => new Standstill(line.Stats.PauseCause, state).Remedy(domain),
            MemoryStatsReason.MonitorHung when qemu?.Debugger is { } debugger => new(string.Create(
                CultureInfo.InvariantCulture, $"QEMU is stopped by a debugger, process {debugger}: continue it there, or quit the debugger")),
            MemoryStatsReason.MonitorHung when qemu?.IsStopped == true => new(
                "QEMU is stopped by a signal", string.Create(CultureInfo.InvariantCulture, $"kill -CONT {domain.Id}")),
            MemoryStatsReason.Stale => new(
                "The guest may be stuck or very busy. Request a report; only if none comes, look at its console, and reset it last. To request one", refresh),
            MemoryStatsReason.Inconsistent => new("Do not rely on these numbers. Request a new report", refresh),
            MemoryStatsReason.PollingOff => PollingOff(domain, qemu),
            MemoryStatsReason.NoBalloonDevice when isOfLibvirt => new("Add a balloon device to its XML, and restart it: <memballoon model='virtio'/>"),
            MemoryStatsReason.NoMonitor when isOfLibvirt => new($"Give QEMU a monitor in its XML, and restart it: {MonitorXml}"),
            MemoryStatsReason.MonitorBusy when DaemonIn(line.Stats.Detail) is { } uri => new(
                "Ask the daemon that holds its monitor", $"ballast -c {ShellCommand.Quote(uri)} doctor {ShellCommand.Name(domain)}"),
            MemoryStatsReason.MonitorBusy => new(isOfLibvirt
                ? $"Ask libvirt (-c qemu:///system), or give QEMU another monitor in its XML, and restart it: {MonitorXml}"
                : $"Stop the other program, ask it instead, or start QEMU with another monitor: {Monitor}"),
            var reason => new(reason.Remedy(ShellCommand.Name(domain))),
        };
    }

    // The library's own words for a holder that is a daemon; only they name it.
    private static string? DaemonIn(string? detail)
    {
        const string asks = ", a daemon: ask it, -c '";
        int at = detail?.LastIndexOf(asks, StringComparison.Ordinal) ?? -1;
        return at >= 0 && detail![(at + asks.Length)..] is [.. var uri, '\''] ? uri : null;
    }

    public static Remedy PollingOff(Domain domain, LocalQemu? qemu) => new(
        qemu?.IsOfLibvirt == true ? "Set a collection period (<stats period='2'/> in <memballoon> sets it at each start)" : "Set a collection period",
        ShellCommand.On(domain, "dommemstat", "--period 2"));
}
