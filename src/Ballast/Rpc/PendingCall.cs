namespace Ballast.Rpc;

/// <summary>A call that waits for its answer.</summary>
internal abstract class PendingCall
{
    public abstract void Complete(in RpcHeader header, ReadOnlySpan<byte> payload);

    public abstract void Fail(Exception error);
}

internal sealed class PendingCall<TReply>(RpcCall procedure, TaskCreationOptions completing) : PendingCall
    where TReply : struct, IXdrMessage<TReply>
{
    private readonly TaskCompletionSource<TReply> _completion = new(completing);

    public Task<TReply> Task => _completion.Task;

    public override void Complete(in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        try
        {
            if (new RpcCall(header.Program, header.Procedure) != procedure)
                Fail(RpcErrors.BadReply(procedure, "it answers something else"));
            else if (header.Status == RpcStatus.Ok)
                _completion.TrySetResult(XdrReader.Read<TReply>(payload));
            else if (header.Status == RpcStatus.Error)
                Fail(XdrReader.Read<Messages.RemoteError>(payload).ToException(procedure));
            else
                Fail(RpcErrors.BadReply(procedure, $"its status is {(int)header.Status}"));
        }
        catch (XdrException e)
        {
            Fail(RpcErrors.BadReply(procedure, e.Message));
        }
    }

    public override void Fail(Exception error)
    {
        // Its caller may have given up already: then nobody looks at it.
        if (_completion.TrySetException(error))
            _ = _completion.Task.Exception;
    }
}
