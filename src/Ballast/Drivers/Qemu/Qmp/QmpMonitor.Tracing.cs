using System.Text;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

/// <content>The same questions and calls where somebody listens to activities.</content>
internal sealed partial class QmpMonitor
{
    private async ValueTask<MonitorValues> TraceAsync(
        MonitorParts parts, TimeSpan timeout, Func<long, bool>? isMeant, CancellationToken cancellationToken)
    {
        using Span activity = Activities.Query(Path);
        try
        {
            return await JoinAsync(parts, timeout, isMeant, runsInline: false, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            activity.Failed(e);
            throw;
        }
    }

    private async Task<QmpError?> TraceCallAsync(
        string name, byte[] commands, int replies, bool changesSomething, QmpReplyReader reader, Action? onRefusal, Action? onSent,
        Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using Span activity = Activities.Command(Path, name, Encoding.UTF8.GetString(commands).ReplaceLineEndings(" ").Trim());
        try
        {
            QmpError? error = await SendCallAsync(name, commands, replies, changesSomething, reader, onRefusal, onSent, isMeant, timeout, cancellationToken).ConfigureAwait(false);
            if (error is not null)
                activity.Refused(error.Description);
            return error;
        }
        catch (Exception e)
        {
            activity.Failed(e);
            throw;
        }
    }
}
