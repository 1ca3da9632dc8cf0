using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Tests.Rpc;

/// <summary>A daemon that has libvirt's program only, or ours as an older one had it; and that can lose its hypervisor.</summary>
internal sealed class PlainLibvirt(IRpcSession inner, bool hasOldProgram) : IRpcSession
{
    private RpcServerConnection? _client;

    public bool IsAuthenticated => inner.IsAuthenticated;

    /// <summary>Whether the client asked to be told when the hypervisor is lost.</summary>
    public bool HasCloseCallback { get; private set; }

    public bool TryHandle(in RpcHeader header, ReadOnlySpan<byte> arguments, RpcServerConnection client, out ValueTask answered)
    {
        _client = client;
        HasCloseCallback |= header is { Program: RpcPrograms.Remote, Procedure: (int)RemoteProcedure.ConnectRegisterCloseCallback };
        if (header.Program != RpcPrograms.Ballast)
            return inner.TryHandle(header, arguments, client, out answered);
        const int newest = (int)BallastProcedure.Refresh;
        if (hasOldProgram && header.Procedure <= newest)
            return inner.TryHandle(header, arguments, client, out answered);
        answered = hasOldProgram ? client.ReplyErrorAsync(header, RpcErrors.UnknownProcedure(header.Procedure)) : default;
        return hasOldProgram;
    }

    public Task LoseHypervisorAsync(int reason) => _client!.SendEventAsync(
        RpcPrograms.Remote, (int)RemoteProcedure.ConnectEventConnectionClosed, new ConnectionClosedEvent { Reason = reason }).AsTask();

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
