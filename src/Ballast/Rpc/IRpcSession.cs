namespace Ballast.Rpc;

/// <summary>Serves the calls of one client.</summary>
internal interface IRpcSession : IAsyncDisposable
{
    /// <summary>Whether the client was let in.</summary>
    bool IsAuthenticated { get; }

    /// <summary>
    /// Handles a call of a program that it has; false: it has no such program. It decodes the arguments before it returns,
    /// and answers by and by; the task ends with the answer.
    /// </summary>
    /// <exception cref="XdrException">The arguments cannot be decoded; the connection tells the client.</exception>
    bool TryHandle(in RpcHeader header, ReadOnlySpan<byte> arguments, RpcServerConnection client, out ValueTask answered);
}
