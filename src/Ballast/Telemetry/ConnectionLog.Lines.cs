using Ballast.Drivers;
using Microsoft.Extensions.Logging;

namespace Ballast.Telemetry;

/// <content>The lines; docs/metrics.md lists them.</content>
internal sealed partial class ConnectionLog
{
    // Of one text in a line; a path has as many bytes.
    private const int MaxText = 4096;

    public void MonitorConnected(string monitor, int pid) => Write(monitor, (log, monitor) => Lines.MonitorConnected(log, monitor, pid));

    /// <param name="monitor">Its socket.</param>
    /// <param name="reason">Why; null where QEMU closed it.</param>
    public void MonitorLost(string monitor, Exception? reason)
    {
        if (reason is null)
            Write(monitor, Lines.MonitorClosed);
        else
            Write(monitor, reason.Message, Lines.MonitorLost);
    }

    public void MonitorHung(string monitor, TimeSpan silence) => Write(monitor, (log, monitor) => Lines.MonitorHung(log, monitor, Seconds(silence)));

    public void MonitorRevived(string monitor, TimeSpan silence) => Write(monitor, (log, monitor) => Lines.MonitorRevived(log, monitor, Seconds(silence)));

    public void MonitorResynchronised(string monitor) => Write(monitor, Lines.MonitorResynchronised);

    public void MonitorRefused(string monitor, Exception reason) => Write(monitor, reason.Message, Lines.MonitorRefused);

    public void MonitorYielded(string monitor) => Write(monitor, Lines.MonitorYielded);

    /// <summary>Completes when it was written, so that it is known before it happens.</summary>
    public Task StartsGuestAsync(string monitor, int pid, bool isCertain) =>
        WriteAsync(monitor, (log, monitor) => Lines.StartsGuest(log, monitor, pid, isCertain ? "was" : "may have been"));

    /// <summary>Completes when it was written, so that it is known together with what is listed.</summary>
    public Task SocketLeftOutAsync(Exception reason) => WriteAsync(reason.Message, Lines.SocketLeftOut);

    public void ProcessSkipped(int pid, string reason) => Write(reason, (log, reason) => Lines.ProcessSkipped(log, pid, reason));

    public void ProcessFailed(int pid, Exception error) => Write(error.Message, (log, reason) => Lines.ProcessFailed(log, pid, reason, error));

    public void ProcessesNotShown(uint uid, int count) => Write(log => Lines.ProcessesNotShown(log, count, uid));

    public void SocketSkipped(string socket, Exception reason) => Write(socket, reason.Message, Lines.SocketSkipped);

    public void LookFailed(Exception reason) => Write(reason.Message, Lines.LookFailed);

    public void GuestFailed(string domain, Exception error) => Write(domain, error.Message, (log, domain, reason) => Lines.GuestFailed(log, domain, reason, error));

    public void DaemonLost(string daemon, Exception reason) => Write(daemon, reason.Message, Lines.DaemonLost);

    public void DaemonReconnected(string daemon) => Write(daemon, Lines.DaemonReconnected);

    public void DaemonUnreachable(string daemon, Exception reason) => Write(daemon, reason.Message, Lines.DaemonUnreachable);

    public void PeriodKept(string domain, Exception reason) => Write(domain, reason.Message, Lines.PeriodKept);

    public void HandlerFailed(Exception error) => Write(log => Lines.HandlerFailed(log, error));

    // All texts come here on their way into a line: most are, or quote, what a monitor, a daemon or a process says. A line that waits
    // keeps no more of them than it shows.
    private void Write(string text, Action<ILogger, string> line)
    {
        if (_logger is null)
            return;
        string shown = Shown(text);
        Write(log => line(log, shown));
    }

    private void Write(string name, string reason, Action<ILogger, string, string> line)
    {
        if (_logger is null)
            return;
        (string shownName, string shownReason) = (Shown(name), Shown(reason));
        Write(log => line(log, shownName, shownReason));
    }

    private Task WriteAsync(string text, Action<ILogger, string> line)
    {
        if (_logger is null)
            return Task.CompletedTask;
        string shown = Shown(text);
        TaskCompletionSource written = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!TryWrite(log =>
        {
            try
            {
                line(log, shown);
            }
            finally
            {
                written.SetResult();
            }
        }))
        {
            written.SetResult();
        }

        return written.Task;
    }

    // Escaped, it is longer.
    private static string Shown(string text) => DisplayText.Clip(DisplayText.Escape(DisplayText.Clip(text, MaxText - 1)), MaxText - 1);

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 1);

    private static partial class Lines
    {
        [LoggerMessage(100, LogLevel.Debug, "Connected to monitor {Monitor} of process {Pid}")]
        public static partial void MonitorConnected(ILogger log, string monitor, int pid);

        [LoggerMessage(101, LogLevel.Warning, "Lost the connection to monitor {Monitor}: {Reason}")]
        public static partial void MonitorLost(ILogger log, string monitor, string reason);

        [LoggerMessage(102, LogLevel.Information, "QEMU closed monitor {Monitor}")]
        public static partial void MonitorClosed(ILogger log, string monitor);

        [LoggerMessage(103, LogLevel.Warning, "Monitor {Monitor} has not answered for {Seconds} s")]
        public static partial void MonitorHung(ILogger log, string monitor, double seconds);

        [LoggerMessage(104, LogLevel.Information, "Monitor {Monitor} answers again, after {Seconds} s")]
        public static partial void MonitorRevived(ILogger log, string monitor, double seconds);

        [LoggerMessage(105, LogLevel.Debug, "Resynchronized monitor {Monitor}")]
        public static partial void MonitorResynchronised(ILogger log, string monitor);

        [LoggerMessage(106, LogLevel.Warning, "Monitor {Monitor} cannot be used: {Reason}")]
        public static partial void MonitorRefused(ILogger log, string monitor, string reason);

        [LoggerMessage(107, LogLevel.Information, "Released monitor {Monitor} to its owner")]
        public static partial void MonitorYielded(ILogger log, string monitor);

        [LoggerMessage(108, LogLevel.Warning, "QEMU process {Pid} {Was} started to wait for its controller at {Monitor}: if nobody has connected there yet, this starts its guest")]
        public static partial void StartsGuest(ILogger log, string monitor, int pid, string was);

        [LoggerMessage(110, LogLevel.Warning, "QEMU process {Pid} is not asked: {Reason}")]
        public static partial void ProcessSkipped(ILogger log, int pid, string reason);

        [LoggerMessage(111, LogLevel.Debug, "Socket {Socket} is not a monitor: {Reason}")]
        public static partial void SocketSkipped(ILogger log, string socket, string reason);

        [LoggerMessage(112, LogLevel.Warning, "Cannot look for QEMUs now: {Reason}")]
        public static partial void LookFailed(ILogger log, string reason);

        [LoggerMessage(113, LogLevel.Warning, "A socket is not listed, because it is unknown which QEMU it leads to: {Reason}")]
        public static partial void SocketLeftOut(ILogger log, string reason);

        [LoggerMessage(114, LogLevel.Warning, "{Count} more untrusted processes of user {Uid} have QEMU's name and are not listed")]
        public static partial void ProcessesNotShown(ILogger log, int count, uint uid);

        [LoggerMessage(115, LogLevel.Error, "Process {Pid} cannot be looked at: {Reason}")]
        public static partial void ProcessFailed(ILogger log, int pid, string reason, Exception error);

        [LoggerMessage(116, LogLevel.Error, "What '{Domain}' says cannot be read: {Reason}")]
        public static partial void GuestFailed(ILogger log, string domain, string reason, Exception error);

        [LoggerMessage(120, LogLevel.Warning, "Lost the connection to {Daemon}: {Reason}")]
        public static partial void DaemonLost(ILogger log, string daemon, string reason);

        [LoggerMessage(121, LogLevel.Information, "Connected to {Daemon} again")]
        public static partial void DaemonReconnected(ILogger log, string daemon);

        [LoggerMessage(122, LogLevel.Warning, "Cannot connect to {Daemon} again: {Reason}")]
        public static partial void DaemonUnreachable(ILogger log, string daemon, string reason);

        [LoggerMessage(130, LogLevel.Warning, "The collection period of '{Domain}' was not restored: {Reason}")]
        public static partial void PeriodKept(ILogger log, string domain, string reason);

        [LoggerMessage(132, LogLevel.Warning, "{Count} lines are missing here: the logger did not take them in time")]
        public static partial void LinesLeft(ILogger log, int count);

        [LoggerMessage(131, LogLevel.Error, "An internal error ended a client's call; the error is the client's answer")]
        public static partial void HandlerFailed(ILogger log, Exception error);
    }
}
