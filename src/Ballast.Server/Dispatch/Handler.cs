using Ballast.Rpc;

namespace Ballast.Server.Dispatch;

/// <summary>What a procedure does.</summary>
internal abstract class Handler
{
    /// <summary>Decodes the arguments before it returns; the task ends with the answer.</summary>
    /// <exception cref="XdrException">The arguments cannot be decoded.</exception>
    public abstract ValueTask HandleAsync(RemoteSession session, in RpcHeader header, ReadOnlySpan<byte> arguments);

    /// <summary>For tests that compare what is served with the layouts.</summary>
    public abstract (Type Arguments, Type Reply) Types { get; }
}

/// <summary>One procedure with its arguments and its result.</summary>
internal sealed class Handler<TArgs, TReply>(Func<RemoteSession, TArgs, CancellationToken, ValueTask<TReply>> run) : Handler
    where TArgs : struct, IXdrMessage<TArgs>
    where TReply : struct, IXdrMessage<TReply>
{
    public override (Type Arguments, Type Reply) Types => (typeof(TArgs), typeof(TReply));

    public override ValueTask HandleAsync(RemoteSession session, in RpcHeader header, ReadOnlySpan<byte> arguments) =>
        AnswerAsync(session, header, Begin(session, XdrReader.Read<TArgs>(arguments)));

    // Apart, as the arguments may be thousands of names: they are not kept while the answer is waited for.
    private ValueTask<TReply> Begin(RemoteSession session, TArgs arguments)
    {
        // A monitor lets those go first who may change something, and readers in turns.
        object? before = session.Share.IsReader ? CallOrigin.Reader : null;
        if (session.Share.IsReader)
            CallOrigin.Reader = session.Share;
        try
        {
            return run(session, arguments, session.Client.Ended);
        }
        catch (Exception e)
        {
            return ValueTask.FromException<TReply>(e);
        }
        finally
        {
            if (session.Share.IsReader)
                CallOrigin.Reader = before;
        }
    }

    private static async ValueTask AnswerAsync(RemoteSession session, RpcHeader header, ValueTask<TReply> running)
    {
        TReply reply = default;
        LibvirtException? error = null;
        try
        {
            reply = await TakeRefusal(running, out error).ConfigureAwait(false);
        }
        catch (LibvirtException e)
        {
            error = e;
        }
        catch (Exception e) when (!session.Client.Ended.IsCancellationRequested)
        {
            // A file of the host that cannot be read, a hypervisor's connection that is being closed, a mistake of ours:
            // whatever it is, the client shall not wait for its answer, nor others on this connection for theirs.
            session.Log.HandlerFailed(e);
            error = RpcErrors.Internal(e.Message);
        }

        if (error is null)
        {
            try
            {
                await session.Client.ReplyAsync(header, reply).ConfigureAwait(false);
                return;
            }
            catch (XdrException e)
            {
                // A reply that the protocol cannot carry.
                error = RpcErrors.Internal(e.Message);
            }
        }

        await session.Client.ReplyErrorAsync(header, error).ConfigureAwait(false);
    }

    // To throw costs more than all the rest of a call, and some clients are refused again and again.
    private static ValueTask<TReply> TakeRefusal(ValueTask<TReply> running, out LibvirtException? refusal)
    {
        refusal = null;
        if (!running.IsFaulted)
            return running;
        Task<TReply> failed = running.AsTask();
        refusal = failed.Exception!.InnerException as LibvirtException;
        return refusal is null ? new ValueTask<TReply>(failed) : default;
    }
}
