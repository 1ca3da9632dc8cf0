using System.IO.Pipelines;
using Ballast.Telemetry;

namespace Ballast.Rpc;

/// <summary>What one client is sent. It is waited for while it reads; when it does not, the connection is closed.</summary>
internal sealed class RpcServerOutput(
    PipeWriter output, RpcServerLimits limits, IRpcShare share, TimeProvider time, RpcServerCalls calls, CancellationTokenSource end) : IAsyncDisposable
{
    /// <summary>For messages that wait for nobody, such as those of the keepalive.</summary>
    public RpcFrameWriter Frames { get; } = new(output, Peer.Client);

    public async ValueTask SendAsync<T>(RpcHeader header, T message)
        where T : struct, IXdrMessage<T>
    {
        ValueTask writing = Frames.WriteAsync(header, message, end.Token);
        if (writing.IsCompletedSuccessfully)
        {
            await writing.ConfigureAwait(false);
            return;
        }

        calls.BeginUnread();
        try
        {
            await WaitWhileItReadsAsync(writing.AsTask()).ConfigureAwait(false);
        }
        finally
        {
            calls.EndUnread();
        }
    }

    // As long as it takes something now and then, its network may be as slow as it likes.
    private async Task WaitWhileItReadsAsync(Task written)
    {
        bool isBlocked = false;
        TimeSpan unread = TimeSpan.Zero;
        try
        {
            while (true)
            {
                long before = Frames.Portions;
                await written.WaitAsync(limits.ReadTime, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (written.IsCompleted || end.IsCancellationRequested)
                    break;
                bool reads = Frames.Portions != before;
                unread = reads ? TimeSpan.Zero : unread + limits.ReadTime;
                if (reads && isBlocked)
                {
                    share.Unblock();
                    isBlocked = false;
                }
                else if (!reads && !isBlocked)
                {
                    // What waits for a client that does not read costs memory: so much of each client, and of each user's so many.
                    isBlocked = share.TryBlock();
                    if (!isBlocked)
                        unread = limits.WriteTimeout;
                }

                if (unread >= limits.WriteTimeout)
                {
                    Unattended.Cancel(end);
                    return;
                }
            }

            await written.ConfigureAwait(false);
        }
        finally
        {
            if (isBlocked)
                share.Unblock();
        }
    }

    /// <summary>Nothing more is sent.</summary>
    public async Task CompleteAsync()
    {
        try
        {
            await output.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // A message was under way, and nobody is left to take the rest of it.
        }
    }

    public ValueTask DisposeAsync() => Frames.DisposeAsync();
}
