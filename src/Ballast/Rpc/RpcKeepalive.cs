namespace Ballast.Rpc;

/// <summary>
/// Asks a silent peer whether it is there: after each interval of silence a PING, and after so many without any answer
/// the connection is given up. Whatever comes is an answer.
/// </summary>
internal sealed class RpcKeepalive(TimeSpan interval, int count, TimeProvider time)
{
    private static readonly RpcHeader Ping = Message(RpcPrograms.KeepalivePing);

    private long _lastHeard = time.GetTimestamp();
    private int _unanswered;

    /// <summary>What a PING is answered with.</summary>
    public static RpcHeader Pong { get; } = Message(RpcPrograms.KeepalivePong);

    public static bool IsPing(in RpcHeader header) =>
        header is { Program: RpcPrograms.Keepalive, Version: RpcPrograms.Version, Procedure: RpcPrograms.KeepalivePing, Type: RpcType.Message };

    public void Heard()
    {
        Volatile.Write(ref _lastHeard, time.GetTimestamp());
        Volatile.Write(ref _unanswered, 0);
    }

    /// <summary>Returns when the peer did not answer.</summary>
    public async Task RunAsync(RpcFrameWriter output, CancellationToken cancellationToken)
    {
        Task pinging = Task.CompletedTask;
        while (true)
        {
            TimeSpan silent = time.GetElapsedTime(Volatile.Read(ref _lastHeard));
            if (Volatile.Read(ref _unanswered) == 0 && silent < interval)
            {
                await Task.Delay(interval - silent, time, cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (_unanswered >= count)
                return;
            Interlocked.Increment(ref _unanswered);

            // A peer that reads nothing keeps a PING from being sent: it is silent all the same, and no other queues behind.
            if (pinging.IsCompleted)
            {
                await pinging.ConfigureAwait(false);
                pinging = output.WriteAsync(Ping, default(Nothing), cancellationToken).AsTask();
            }

            await Task.Delay(interval, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static RpcHeader Message(int procedure) =>
        new(RpcPrograms.Keepalive, RpcPrograms.Version, procedure, RpcType.Message, 0, RpcStatus.Ok);
}
