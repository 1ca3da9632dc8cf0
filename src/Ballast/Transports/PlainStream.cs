namespace Ballast.Transports;

/// <summary>What comes and goes without TLS; the end of one that never answered, or that answered with TLS, says so.</summary>
internal sealed class PlainStream(SocketStream stream, string daemon) : StreamLayer(stream)
{
    private const int ConnectionReset = 104;

    private bool _hasAnswered;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        return _hasAnswered ? Below.ReadAsync(buffer, cancellationToken) : ReadFirstAsync();

        async ValueTask<int> ReadFirstAsync()
        {
            int count;
            try
            {
                count = await Below.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (ConnectionBrokenException)
            {
                count = 0;
            }

            // None were asked for where there is something.
            if (buffer.IsEmpty)
                return count;
            if (count == 0 || buffer.Span[0] is HandshakeStream.Alert or HandshakeStream.Handshake)
            {
                throw new LinkLostException(LibvirtError.System(ConnectionReset, ErrorOrigin.Rpc, count == 0
                    ? $"{daemon} closed the connection without an answer: if it speaks TLS there, use qemu+tls"
                    : $"{daemon} speaks TLS there: use qemu+tls, or the port without TLS (16509)"));
            }

            _hasAnswered = true;
            return count;
        }
    }
}
