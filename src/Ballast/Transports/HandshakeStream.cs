namespace Ballast.Transports;

/// <summary>What comes and goes below TLS, and what came first. Until the handshake is over, who reads goes on elsewhere: it computes for long.</summary>
internal sealed class HandshakeStream(SocketStream stream) : StreamLayer(stream)
{
    /// <summary>The kinds of TLS's first records.</summary>
    public const byte Alert = 0x15, Handshake = 0x16;

    /// <summary>The first byte that came.</summary>
    public byte? First { get; private set; }

    /// <summary>Whether the connection has ended, and not only what TLS says of an end.</summary>
    public bool HasEnded { get; private set; }

    public bool IsOver { get; set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        return IsOver ? Below.ReadAsync(buffer, cancellationToken) : ReadElsewhereAsync();

        async ValueTask<int> ReadElsewhereAsync()
        {
            int count = await Below.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (count > 0)
                First ??= buffer.Span[0];
            else if (!buffer.IsEmpty)
                HasEnded = true;

            // Not on the thread of all sockets.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return count;
        }
    }
}
