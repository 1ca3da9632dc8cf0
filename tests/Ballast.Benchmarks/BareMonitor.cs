using System.Net.Sockets;

namespace Ballast.Benchmarks;

/// <summary>
/// The least that a monitor's client can do: the bytes out, and bytes in until as many lines have come as there are
/// replies. It parses nothing, knows no deadline and serves one caller.
/// </summary>
internal sealed class BareMonitor : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <summary>Connects and leaves capabilities negotiation.</summary>
    public BareMonitor(string path)
    {
        _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000, SendTimeout = 30_000 };
        _socket.Connect(new UnixDomainSocketEndPoint(path));
        Receive(1);
        Ask("""{"execute":"qmp_capabilities"}"""u8, 1);
    }

    /// <summary>Sends commands and waits for their replies on the caller's thread.</summary>
    public void Ask(ReadOnlySpan<byte> commands, int replies)
    {
        _ = _socket.Send(commands);
        Receive(replies);
    }

    /// <summary>The same without holding a thread; not to be mixed with the other way.</summary>
    public async ValueTask AskAsync(ReadOnlyMemory<byte> commands, int replies)
    {
        _ = await _socket.SendAsync(commands);
        while (replies > 0)
            replies -= Lines(await _socket.ReceiveAsync(_buffer.AsMemory()));
    }

    public void Dispose() => _socket.Dispose();

    private void Receive(int replies)
    {
        while (replies > 0)
            replies -= Lines(_socket.Receive(_buffer));
    }

    private int Lines(int count) =>
        count > 0 ? _buffer.AsSpan(0, count).Count((byte)'\n') : throw new EndOfStreamException("The monitor closed the connection.");
}
