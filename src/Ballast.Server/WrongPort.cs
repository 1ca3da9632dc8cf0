using System.Buffers;
using System.IO.Pipelines;
using Ballast.Rpc;
using Ballast.Transports;

namespace Ballast.Server;

/// <summary>Clients that speak plain text where TLS is spoken, or the other way round: each is told in what it understands.</summary>
internal static class WrongPort
{
    // A fatal alert: the version of the protocol.
    private static readonly byte[] NoTls = [HandshakeStream.Alert, 3, 1, 0, 2, 2, 70];

    /// <summary>Whether the client's first byte is TLS's; null where it goes without one. Nothing is taken.</summary>
    public static async ValueTask<bool?> SpeaksTlsAsync(IDuplexPipe transport, CancellationToken deadline)
    {
        ReadResult first = await transport.Input.ReadAsync(deadline).ConfigureAwait(false);
        bool? isTls = new SequenceReader<byte>(first.Buffer).TryPeek(out byte kind) ? kind == HandshakeStream.Handshake : null;
        transport.Input.AdvanceTo(first.Buffer.Start);
        return isTls;
    }

    /// <summary>Tells a client of libvirt's protocol that its connection has to be TLS's.</summary>
    public static async Task RefusePlainAsync(IDuplexPipe transport, LibvirtServerOptions options, CancellationToken deadline)
    {
        using SemaphoreSlim largeMessages = new(1);
        RpcServerConnection connection = new(
            transport, new RpcServerLimits { MaxCalls = 1 },
            new ClientShare(new UserShare(isReader: false, options), new ReaderTurns(workers: 1), largeMessages), options.TimeProvider);
        await using (connection.ConfigureAwait(false))
            await connection.RunAsync(new PlainSession(), deadline).ConfigureAwait(false);
    }

    /// <summary>Tells a client of TLS that there is none.</summary>
    public static async Task RefuseTlsAsync(IDuplexPipe transport, CancellationToken deadline) =>
        _ = await transport.Output.WriteAsync(NoTls, deadline).ConfigureAwait(false);

    private sealed class PlainSession : IRpcSession
    {
        public bool IsAuthenticated => false;

        public bool TryHandle(in RpcHeader header, ReadOnlySpan<byte> arguments, RpcServerConnection client, out ValueTask answered)
        {
            client.CloseAfterAnswers();
            answered = client.ReplyErrorAsync(header, RpcErrors.Bare("TLS is spoken on this port: use qemu+tls, or the port without it (16509)"));
            return true;
        }

        public ValueTask DisposeAsync() => default;
    }
}
