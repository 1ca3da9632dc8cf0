using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Xml;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    public async ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken)
    {
        const DomainXmlFlags known =
            DomainXmlFlags.Secure | DomainXmlFlags.Inactive | DomainXmlFlags.UpdateCpu | DomainXmlFlags.Migratable;
        if ((flags & ~known) is not DomainXmlFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "qemuDomainGetXMLDesc", ErrorOrigin.Qemu);
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        MonitorValues values = await AskAsync(
            domain, qemu, MonitorParts.Cpus | MonitorParts.CpuSlots | qemu.SizeParts | MonitorParts.PollingInterval,
            cancellationToken).ConfigureAwait(false);
        ulong maximum = qemu.MaxMemoryKiB ?? throw LibvirtError.Report(
            ErrorCode.OperationFailed, ErrorOrigin.Qemu, $"the memory of '{qemu.Identity.Name}' is not known: its monitor cannot be asked");

        // Without any there is nothing to ask for.
        bool maySlotMemory = (qemu.SizeParts & MonitorParts.MemoryDevices) != 0 || values.PluggedBytes != 0;

        // Its files may be read now, and its memory.
        (string? emulator, MachineOptions? options) = await SingleLook.RunAsync(
            () => LookAt(qemu), qemu.Identity.Name, failure => _log.LookFailed(QmpErrors.CannotLook(failure)), cancellationToken).ConfigureAwait(false);
        return new QemuXml
        {
            Identity = qemu.Identity,
            MaximumKiB = maximum,
            CurrentKiB = qemu.CurrentKiB ?? maximum,
            VirtualCpus = qemu.VirtualCpus,
            MaxVirtualCpus = Math.Max(qemu.VirtualCpus, values.MaxCpus),
            IsInactive = (flags & (DomainXmlFlags.Inactive | DomainXmlFlags.Migratable)) != 0,
            IsMigratable = (flags & DomainXmlFlags.Migratable) != 0,
            Machine = await MachineOrNullAsync(qemu, maySlotMemory, cancellationToken).ConfigureAwait(false),
            Emulator = emulator,
            Options = options,
            Balloon = qemu.MonitorOrNull?.Balloon,
            PeriodSeconds = values.PollingIntervalSeconds,
            NetworkKinds = qemu.Process?.CommandLine.NetworkKinds() ?? new Dictionary<string, string>(),
        }.ToString();
    }

    // What a file says that hangs would be missed by nobody.
    private static (string? Emulator, MachineOptions? Options) LookAt(QemuDomain qemu)
    {
        using LookTrouble trouble = new();
        string? emulator = qemu.Process?.Executable;
        MachineOptions? options = qemu.Instance.Distrust is null ? qemu.Process?.CommandLine.Machine : null;
        return trouble is { IsStuck: true, Unanswered: { } failure } ? throw QmpErrors.CannotLook(failure) : (emulator, options);
    }

    // A domain that cannot be asked has an XML all the same, from its command line.
    private async ValueTask<QmpMachine?> MachineOrNullAsync(QemuDomain qemu, bool maySlotMemory, CancellationToken cancellationToken)
    {
        try
        {
            return qemu.MonitorOrNull is not null
                ? await QmpMachine.AskAsync(qemu.Asked, maySlotMemory, _timeout, _timeout + BulkExtra, _time, cancellationToken).ConfigureAwait(false)
                : null;
        }
        catch (LibvirtException)
        {
            return null;
        }
    }
}
