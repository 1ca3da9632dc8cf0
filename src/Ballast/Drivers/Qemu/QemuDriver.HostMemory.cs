using System.Text.Json;
using Ballast.Drivers.Host;
using Ballast.Drivers.Qemu.Inventory;
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
        bool?[] reporting = await GuestByGuest.AskAsync(
            all, qemu => TryAskFreePagesAsync(qemu, end.Token, cancellationToken), NothingAsync<bool?>).ConfigureAwait(false);

        // A worker reads the files: neither the thread that received the last answer nor a caller's may be kept that long.
        using WorkTurn turn = await CallOrigin.TakeWorkerAsync(cancellationToken).ConfigureAwait(false);
        ControlGroupMemory groups = ControlGroupMemory.ForOneAnswer();
        List<DriverProcessMemory> found = new(all.Count);
        foreach ((QemuDomain qemu, bool? reportsFreePages) in all.Zip(reporting))
        {
            cancellationToken.ThrowIfCancellationRequested();
            ProcessMemory memory = qemu.Process is { } process
                ? _processMemory.Read(process.Pid, process.StartTicks, groups)
                : new ProcessMemory { Reason = MemoryStatsReason.ProcessNotFound };

            // That the process lives after its files were read shows that they were its own.
            if (!qemu.HasExited)
                found.Add(new(qemu.Identity, memory with { ReportsFreePages = reportsFreePages, DeflatesOnOom = qemu.Instance.Reports.DeflatesOnOom }));
        }

        return found;
    }

    private async Task<bool?> TryAskFreePagesAsync(QemuDomain qemu, CancellationToken late, CancellationToken cancellationToken)
    {
        try
        {
            return await ReportsFreePagesAsync(qemu, late).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nobody waits for one monitor.
            return null;
        }
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
                qemu.Asked, "qom-get", QmpCommands.GetProperty(balloon.Path, "free-page-reporting"), _timeout, cancellationToken).ConfigureAwait(false);

            // QEMU before 5.1 has no such property, and no such device.
            return qemu.Instance.ReportsFreePages = answer is { ValueKind: JsonValueKind.True };
        }
        catch (LibvirtException)
        {
            return null;
        }
    }
}
