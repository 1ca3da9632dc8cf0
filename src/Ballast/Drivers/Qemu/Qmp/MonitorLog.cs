using Ballast.Drivers.Qemu.Discovery;
using Ballast.Telemetry;
using Microsoft.Extensions.Logging;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Tells the connections that share a monitor what happens to it. Each change is told once: a refusal again only when it is of another kind.</summary>
internal sealed class MonitorLog(string monitor)
{
    private readonly Lock _gate = new();
    private ConnectionLog[] _logs = [];
    private ErrorCode? _refusal;

    public void Add(ConnectionLog log)
    {
        lock (_gate)
            _logs = [.. _logs, log];
    }

    public void Remove(ConnectionLog log)
    {
        lock (_gate)
        {
            List<ConnectionLog> left = [.. _logs];
            left.Remove(log);
            _logs = [.. left];
        }
    }

    /// <summary>Whether anybody wants to know before a guest is started.</summary>
    public async Task<bool> WantsWarningAsync() =>
        Array.Exists(await Task.WhenAll(Volatile.Read(ref _logs).Select(log => log.WantsAsync(LogLevel.Warning))).ConfigureAwait(false), wants => wants);

    /// <summary>Completes when all were told.</summary>
    public Task StartsGuestAsync(WaitingProcess waiting) =>
        Task.WhenAll(Volatile.Read(ref _logs).Select(log => log.StartsGuestAsync(monitor, waiting.Pid, waiting.IsCertain)));

    public void Connected(int pid)
    {
        _refusal = null;
        Tell(log => log.MonitorConnected(monitor, pid));
    }

    public void Lost(Exception? cause) => Tell(log => log.MonitorLost(monitor, cause));

    public void Hung(TimeSpan silence) => Tell(log => log.MonitorHung(monitor, silence));

    public void Revived(TimeSpan silence) => Tell(log => log.MonitorRevived(monitor, silence));

    public void Resynchronised() => Tell(log => log.MonitorResynchronised(monitor));

    public void Yielded() => Tell(log => log.MonitorYielded(monitor));

    public void Refused(LibvirtException reason)
    {
        if (_refusal == reason.Code)
            return;
        _refusal = reason.Code;
        Tell(log => log.MonitorRefused(monitor, reason));
    }

    /// <summary>A call of a look does not return.</summary>
    public void LookStuck(LookFailure failure) => Tell(log => log.LookFailed(QmpErrors.CannotLook(failure)));

    private void Tell(Action<ConnectionLog> tell)
    {
        foreach (ConnectionLog log in Volatile.Read(ref _logs))
            tell(log);
    }
}
