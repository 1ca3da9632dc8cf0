using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Tests.Rpc;

/// <summary>
/// A daemon that has libvirt's program only, or ours as an older one had it, and may have translated messages; and that can
/// lose its hypervisor.
/// </summary>
internal sealed class PlainLibvirt(IRpcSession inner, bool hasOldProgram, bool isTranslated = false) : IRpcSession
{
    private RpcServerConnection? _client;
    private int _ballastCalls;

    /// <summary>Procedures of libvirt's program that it does not know.</summary>
    public HashSet<int> Lacking { get; init; } = [];

    /// <summary>How often our program was called.</summary>
    public int BallastCalls => Volatile.Read(ref _ballastCalls);

    public bool IsAuthenticated => inner.IsAuthenticated;

    /// <summary>Whether the client asked to be told when the hypervisor is lost.</summary>
    public bool HasCloseCallback { get; private set; }

    public bool TryHandle(in RpcHeader header, ReadOnlySpan<byte> arguments, RpcServerConnection client, out ValueTask answered)
    {
        _client = client;
        HasCloseCallback |= header is { Program: RpcPrograms.Remote, Procedure: (int)RemoteProcedure.ConnectRegisterCloseCallback };
        if (Lacking.Contains(header.Procedure) && header.Program == RpcPrograms.Remote)
        {
            answered = client.ReplyErrorAsync(header, UnknownProcedure(header.Procedure));
            return true;
        }

        if (header.Program != RpcPrograms.Ballast)
            return inner.TryHandle(header, arguments, client, out answered);
        Interlocked.Increment(ref _ballastCalls);
        const int newest = (int)BallastProcedure.Refresh;
        if (hasOldProgram && header.Procedure <= newest)
            return inner.TryHandle(header, arguments, client, out answered);
        answered = hasOldProgram ? client.ReplyErrorAsync(header, UnknownProcedure(header.Procedure))
            : isTranslated ? client.ReplyErrorAsync(header, RpcErrors.Bare($"Kann Program {header.Program} Version {header.Version} nicht finden"))
            : default;
        return hasOldProgram || isTranslated;
    }

    private LibvirtException UnknownProcedure(int procedure) =>
        isTranslated ? RpcErrors.Bare($"unbekannte Prozedur: {procedure}") : RpcErrors.UnknownProcedure(procedure);

    public Task LoseHypervisorAsync(int reason) => _client!.SendEventAsync(
        RpcPrograms.Remote, (int)RemoteProcedure.ConnectEventConnectionClosed, new ConnectionClosedEvent { Reason = reason }).AsTask();

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
