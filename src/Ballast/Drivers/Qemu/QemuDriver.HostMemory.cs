using System.Text.Json;
using Ballast.Drivers.Host;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <content>The host's side of memory.</content>
internal sealed partial class QemuDriver
{
    private readonly ProcessMemoryFiles _processMemory = new();

    public ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup, CancellationToken cancellationToken) => new(_node.HostMemory(controlGroup));

    public async ValueTask<IReadOnlyList<DriverProcessMemory>> GetProcessMemoryAsync(
        IReadOnlyList<DomainIdentity> domains, CancellationToken cancellationToken)
    {
        IReadOnlyList<QemuDomain> all = await ChooseAsync(domains, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource late = new(_timeout + BulkExtra, _time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        ProcessMemory?[] found = await Task.WhenAll(all.Select(qemu => ReadProcessMemoryAsync(qemu, end.Token, cancellationToken))).ConfigureAwait(false);
        return [.. all.Zip(found).Where(pair => pair.Second is not null).Select(pair => new DriverProcessMemory(pair.First.Identity, pair.Second!))];
    }

    /// <summary>Null where the QEMU went meanwhile.</summary>
    private async Task<ProcessMemory?> ReadProcessMemoryAsync(QemuDomain qemu, CancellationToken late, CancellationToken cancellationToken)
    {
        bool? reportsFreePages = null;
        try
        {
            reportsFreePages = await ReportsFreePagesAsync(qemu, late).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nobody waits for one monitor, whose file answers.
        }

        // Read last: that the process still lives then shows that the files were its own.
        ProcessMemory memory = qemu.Process is { } process
            ? _processMemory.Read(process.Pid, process.StartTicks)
            : new ProcessMemory { Reason = MemoryStatsReason.PermissionDenied };
        return qemu.HasExited ? null : memory with { ReportsFreePages = reportsFreePages, DeflatesOnOom = qemu.Instance.Reports.DeflatesOnOom };
    }

    private async Task<bool?> ReportsFreePagesAsync(QemuDomain qemu, CancellationToken cancellationToken)
    {
        // What a device offers never changes.
        if (qemu.Instance.ReportsFreePages is { } known)
            return known;
        if (qemu is not { Obstacle: null, MonitorOrNull: { Balloon: { } balloon } monitor } || monitor.IsSilent(_timeout))
            return null;
        try
        {
            JsonElement? answer = await QmpJson.AskAsync(
                monitor, "qom-get", QmpCommands.GetProperty(balloon.Path, "free-page-reporting"), _timeout, cancellationToken).ConfigureAwait(false);

            // QEMU before 5.1 has no such property, and no such device.
            return qemu.Instance.ReportsFreePages = answer is { ValueKind: JsonValueKind.True };
        }
        catch (LibvirtException)
        {
            return null;
        }
    }
}
