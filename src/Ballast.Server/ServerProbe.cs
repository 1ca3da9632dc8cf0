using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Transports;

namespace Ballast.Server;

/// <summary>
/// Finds out whether the server answers: as a client of its own, over a socket, by way of the same threads as others. It takes no
/// place of theirs, so that no crowd of clients makes the server look dead.
/// </summary>
/// <param name="server">The server.</param>
/// <param name="lane">Where its privileged clients are served.</param>
internal sealed class ServerProbe(LibvirtServer server, ClientLane lane)
{
    // No user has this number, so what it uses is nobody else's.
    private const uint NoUser = uint.MaxValue;

    /// <summary>Asks which guests there are; returns when that was answered.</summary>
    /// <exception cref="LibvirtException">It was refused, or the system has no room for two sockets.</exception>
    /// <exception cref="OperationCanceledException">It was not answered in time.</exception>
    public async Task AskAsync(CancellationToken cancellationToken)
    {
        (SafeHandle ours, SafeHandle theirs) = SocketPair.Make("the server cannot be asked");
        SocketTransport way = new(ours);
        await using ConfiguredAsyncDisposable ending = way.ConfigureAwait(false);
        LaneTransport served = lane.Open(theirs);
        await using ConfiguredAsyncDisposable endingToo = served.ConfigureAwait(false);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task serving = server.ServeAsync(served, isReadOnly: false, NoUser, authenticated: null, end.Token);
        RpcClient client = new(way, TimeProvider.System);
        try
        {
            _ = await AskAsync<Nothing, AuthListReply>(RemoteProcedure.AuthList, default).ConfigureAwait(false);
            _ = await AskAsync<OpenArgs, Nothing>(RemoteProcedure.ConnectOpen, new() { Name = "" }).ConfigureAwait(false);
            _ = await AskAsync<Nothing, NumberReply>(RemoteProcedure.ConnectNumOfDomains, default).ConfigureAwait(false);
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);

            // One that hangs is left behind: who waits for an answer shall hear in time that there is none.
            if (!cancellationToken.IsCancellationRequested)
                await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await client.DisposeAsync().ConfigureAwait(false);
        }

        ValueTask<TReply> AskAsync<TArgs, TReply>(RemoteProcedure procedure, TArgs arguments)
            where TArgs : struct, IXdrMessage<TArgs>
            where TReply : struct, IXdrMessage<TReply> =>
            client.CallAsync<TArgs, TReply>(procedure, arguments, Timeout.InfiniteTimeSpan, changesSomething: false, cancellationToken);
    }
}
