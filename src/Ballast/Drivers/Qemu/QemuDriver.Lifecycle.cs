using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    private const string AgentIsMissing = "QEMU guest agent is not configured";

    private static readonly TimeSpan FirstLookForEnd = TimeSpan.FromMilliseconds(2), LastLookForEnd = TimeSpan.FromMilliseconds(50);

    public async ValueTask SuspendAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        await ChangeAsync(domain, qemu, async () =>
        {
            // A guest that is paused already stays so, as in libvirt.
            if (await AskRunStateForChangeAsync(qemu, "stop", cancellationToken).ConfigureAwait(false))
                await ExecuteAsync(qemu, "stop", cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    public async ValueTask ResumeAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        await ChangeAsync(domain, qemu, async () =>
        {
            if (await AskRunStateForChangeAsync(qemu, "cont", cancellationToken).ConfigureAwait(false))
                throw Invalid("domain is already running");
            await ExecuteAsync(qemu, "cont", cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    public async ValueTask ShutdownAsync(DomainIdentity domain, DomainShutdownFlags flags, CancellationToken cancellationToken)
    {
        const DomainShutdownFlags known = DomainShutdownFlags.AcpiPowerButton | DomainShutdownFlags.GuestAgent;
        if ((flags & ~known) is not DomainShutdownFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "qemuDomainShutdownFlags", ErrorOrigin.Qemu);
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        const string command = "system_powerdown";
        await ChangeAsync(domain, qemu, async () =>
        {
            // A guest that does not run would not notice its button, now or later.
            if (!(await AskStatusForChangeAsync(qemu, command, cancellationToken).ConfigureAwait(false)).IsRunning)
                throw Invalid("domain is not running");
            if (flags == DomainShutdownFlags.GuestAgent)
                throw LibvirtError.Report(ErrorCode.ArgumentUnsupported, ErrorOrigin.Qemu, AgentIsMissing);
            await ExecuteAsync(qemu, command, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// QEMU has the power button and the reset button. libvirt reboots by the first one and starts the machine anew when its
    /// guest has shut down, which a QEMU that ends with its guest does not wait for.
    /// </summary>
    public async ValueTask RebootAsync(DomainIdentity domain, DomainRebootFlags flags, CancellationToken cancellationToken)
    {
        const DomainRebootFlags known = DomainRebootFlags.AcpiPowerButton | DomainRebootFlags.GuestAgent;
        if ((flags & ~known) is not DomainRebootFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "qemuDomainReboot", ErrorOrigin.Qemu);
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        throw flags == DomainRebootFlags.GuestAgent
            ? LibvirtError.Report(ErrorCode.ArgumentUnsupported, ErrorOrigin.Qemu, AgentIsMissing)
            : LibvirtError.Report(ErrorCode.OperationUnsupported, ErrorOrigin.Qemu,
                $"the QEMU of '{qemu.Identity.Name}' ends when its guest shuts down, so it cannot be rebooted from outside; use reset, or reboot inside the guest");
    }

    public async ValueTask WakeUpAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        await ChangeAsync(domain, qemu, () => ExecuteAsync(qemu, "system_wakeup", cancellationToken)).ConfigureAwait(false);
    }

    public async ValueTask ResetAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        await ChangeAsync(domain, qemu, () => ExecuteAsync(qemu, "system_reset", cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>
    /// Tells QEMU to quit. Where it does not answer, its process gets the signal that means the same, and at last the one
    /// that nobody can ignore.
    /// </summary>
    public async ValueTask DestroyAsync(DomainIdentity domain, DomainDestroyFlags flags, CancellationToken cancellationToken)
    {
        const DomainDestroyFlags known = DomainDestroyFlags.Graceful | DomainDestroyFlags.RemoveLogs;
        if ((flags & ~known) is not DomainDestroyFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "qemuDomainDestroyFlags", ErrorOrigin.Qemu);
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        if (qemu.MonitorOrNull?.Ending is not { } ending)
        {
            await EndAsync(qemu, flags, cancellationToken).ConfigureAwait(false);
            return;
        }

        // One after the other: whoever comes second is told that the guest is gone already, or ends it where the first could not.
        bool isFirst = ending.Wait(0, CancellationToken.None);
        if (!isFirst && !await ending.WaitAsync(_timeout, cancellationToken).ConfigureAwait(false))
        {
            throw LibvirtError.Report(
                ErrorCode.OperationTimeout, ErrorOrigin.Qemu,
                string.Create(CultureInfo.InvariantCulture, $"another caller has been ending '{qemu.Identity.Name}' for {_timeout.TotalSeconds:0.###} s; quit was not sent, try again"));
        }

        try
        {
            // Who came first may have done it since this one was resolved.
            QemuDomain now = isFirst ? qemu : await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
            if (now.Instance != qemu.Instance || (now.Process is { } process && !await IsSameAsync(process, cancellationToken).ConfigureAwait(false)))
                throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
            await EndAsync(now, flags, cancellationToken).ConfigureAwait(false);

            // Of one whose process is not seen, only the end of its connection tells the next caller that it went.
            if (now is { Process: null, MonitorOrNull: { } monitor })
                await monitor.HearOutAsync(QemuInventory.ShortPatience).ConfigureAwait(false);
        }
        finally
        {
            ending.Release();
        }
    }

    private async Task EndAsync(QemuDomain qemu, DomainDestroyFlags flags, CancellationToken cancellationToken)
    {
        bool wasSent = false;
        try
        {
            await ExecuteAsync(qemu, "quit", cancellationToken, () => wasSent = true).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.OperationTimeout && qemu is { Process: not null, MonitorOrNull.IsProven: true })
        {
            // Stuck or stopped: its process can be told all the same, if it is who it is called.
            if (qemu.Instance.IsNameGuessed)
                throw QmpErrors.NameIsGuess(qemu.Identity.Name, qemu.Process.Pid, e);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.SystemError && wasSent
            && qemu is { Process: not null, MonitorOrNull: { IsConnected: false, IsProven: true } })
        {
            // It went before its answer did, and its process tells whether it did. Where nothing was sent, the error says only that nobody
            // could be asked; and where no process is seen, a relay may have ended, and not the QEMU behind it.
        }

        if (qemu.Process is { } process && !await HasEndedAsync(process, cancellationToken).ConfigureAwait(false))
            await KillAsync(process, flags, cancellationToken).ConfigureAwait(false);
    }

    private async Task KillAsync(QemuProcess process, DomainDestroyFlags flags, CancellationToken cancellationToken)
    {
        const int kill = 9, terminate = 15;
        foreach (int signal in (int[])[terminate, kill])
        {
            if (signal == kill && (flags & DomainDestroyFlags.Graceful) != 0)
                break;
            if (!await IsSameAsync(process, cancellationToken).ConfigureAwait(false))
                return;
            if (process.Signal(signal) is not 0 and var errno)
            {
                throw LibvirtError.System(errno, ErrorOrigin.Qemu, $"Failed to terminate process {process.Pid}: " + (errno == QemuProcess.OtherNamespace
                    ? "it is not in this process's PID namespace, so it cannot be signalled"
                    : System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(errno)));
            }

            if (await HasEndedAsync(process, cancellationToken).ConfigureAwait(false))
                return;
        }

        throw LibvirtError.Report(ErrorCode.OperationFailed, ErrorOrigin.Qemu,
            (flags & DomainDestroyFlags.Graceful) != 0
                ? "failed to kill qemu process with SIGTERM"
                : $"qemu process {process.Pid} was killed, but is not gone: it is stuck in the kernel");
    }

    // Who runs another program is no more that QEMU. To see that may take its command line, which it can keep from being read.
    private static async Task<bool> IsSameAsync(QemuProcess process, CancellationToken cancellationToken)
    {
        try
        {
            return !process.HasExited && await SingleLook.RunAsync(() => process.IsSame, HostLook.PathsOf(process.Pid), note: null, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException)
        {
            return true;
        }
    }

    private async Task<bool> HasEndedAsync(QemuProcess process, CancellationToken cancellationToken)
    {
        long since = _time.GetTimestamp();
        for (TimeSpan pause = FirstLookForEnd; await IsSameAsync(process, cancellationToken).ConfigureAwait(false); pause = pause + pause < LastLookForEnd ? pause + pause : LastLookForEnd)
        {
            if (_time.GetElapsedTime(since) >= _timeout)
                return false;
            await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>Whether the guest's processors run. A guest that suspended itself cannot be stopped or let go on.</summary>
    private async Task<bool> AskRunStateForChangeAsync(QemuDomain qemu, string command, CancellationToken cancellationToken)
    {
        MonitorValues values = await AskStatusForChangeAsync(qemu, command, cancellationToken).ConfigureAwait(false);
        return values.RunState == RunState.Suspended ? throw Invalid("domain is pmsuspended") : values.IsRunning;
    }

    private async Task<MonitorValues> AskStatusForChangeAsync(QemuDomain qemu, string command, CancellationToken cancellationToken)
    {
        try
        {
            return await qemu.QueryAsync(MonitorParts.Status, _timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.OperationTimeout)
        {
            throw QmpErrors.NotSent(e, command);
        }
    }

    private async Task ExecuteAsync(QemuDomain qemu, string command, CancellationToken cancellationToken, Action? onSent = null)
    {
        QmpError? error = await qemu.Monitor.CallAsync(
            command, QmpCommands.Execute(command), replies: 1, changesSomething: true, QmpReplies.ReadNothing, onRefusal: null, onSent,
            qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false);
        if (error is not null)
            throw QmpErrors.Refused(command, error);
    }

    private static LibvirtException Invalid(string why) => LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu, why);
}
