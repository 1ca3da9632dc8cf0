namespace Ballast.Rpc;

/// <summary>A client's long messages: each waits for a place among those of all clients, and then has to come in time.</summary>
internal sealed class RpcLargeMessages(RpcServerLimits limits, IRpcShare share, TimeProvider time, CancellationTokenSource end)
{
    private ITimer? _deadline;

    /// <summary>One is next: it has to wait for a place, and then to come in time.</summary>
    public async ValueTask AdmitAsync(RpcFrameReader input)
    {
        await share.AdmitLargeMessageAsync(end.Token).ConfigureAwait(false);
        _deadline = Unattended.CreateTimer(time, static end => Unattended.Cancel(end), end, limits.LargeMessageTimeout, Timeout.InfiniteTimeSpan);
        input.IsAdmitted = true;
    }

    /// <summary>A message came, or none will.</summary>
    /// <returns>Whether it has a place, which the caller then has to give back.</returns>
    public bool Take()
    {
        if (_deadline is not { } deadline)
            return false;
        _deadline = null;
        deadline.Dispose();
        return true;
    }

    /// <summary>Gives a place back.</summary>
    public void Leave() => share.LeaveLargeMessage();
}
