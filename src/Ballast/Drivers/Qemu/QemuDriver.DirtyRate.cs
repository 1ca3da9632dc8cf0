using System.Text.Json;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    public async ValueTask StartDirtyRateAsync(
        DomainIdentity domain, int seconds, DirtyRateMode mode, CancellationToken cancellationToken)
    {
        const int most = 60;
        const uint known = 3;
        if (((uint)mode & ~known) is not 0 and var unknown)
            throw LibvirtError.UnsupportedFlags(unknown, "qemuDomainStartDirtyRateCalc", ErrorOrigin.Qemu);
        if (seconds is < 1 or > most)
        {
            throw LibvirtError.Report(ErrorCode.ConfigurationUnsupported, ErrorOrigin.Qemu,
                $"seconds={seconds} is invalid, please choose value within [1, {most}].");
        }

        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        const string command = "calc-dirty-rate";
        await ChangeAsync(domain, qemu, async () =>
        {
            await RefuseWithoutKvmAsync(qemu, mode, cancellationToken).ConfigureAwait(false);
            QmpError? error = await qemu.Monitor.ChangeAsync(
                command, QmpCommands.StartDirtyRate(seconds, mode), qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false);
            if (error is not null)
                throw QmpErrors.Refused(command, error);
        }).ConfigureAwait(false);
    }

    /// <summary>QEMU looks at KVM's state for these modes whether it has one or not: without KVM it crashes, and the guest with it.</summary>
    private async Task RefuseWithoutKvmAsync(QemuDomain qemu, DirtyRateMode mode, CancellationToken cancellationToken)
    {
        if (mode == DirtyRateMode.PageSampling)
            return;
        const string command = "query-kvm";
        JsonElement? kvm = await QmpJson.AskAsync(
            qemu.Asked, command, QmpCommands.Execute(command), _timeout, cancellationToken).ConfigureAwait(false);
        if (Member(kvm, "enabled") is { ValueKind: JsonValueKind.True })
            return;
        throw LibvirtError.Report(ErrorCode.OperationUnsupported, ErrorOrigin.Qemu, mode == DirtyRateMode.DirtyBitmap
            ? "dirty-bitmap calculation mode requires KVM, without which QEMU would crash; use page-sampling."
            : "dirty-ring calculation mode requires dirty-ring feature enabled.");
    }
}
