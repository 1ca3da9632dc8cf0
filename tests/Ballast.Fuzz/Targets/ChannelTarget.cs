using System.Net.Sockets;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Fuzz.Targets;

/// <summary>A monitor's bytes through a socket and the channel's buffer: the messages are those of the framer, to the byte.</summary>
internal sealed class ChannelTarget : FuzzTarget
{
    private Socket? _monitor;
    private Socket? _own;

    public override string Name => "channel";

    public override IReadOnlyList<byte[]> Dictionary => MonitorInput.Dictionary;

    public override int Run(byte[] input)
    {
        var (messages, isRefused) = MonitorInput.Frame(input);
        if (_own is null)
            Connect();
        int count = 0;
        try
        {
            QmpChannel channel = new(_own!.SafeHandle, TimeProvider.System);
            foreach (Range piece in MonitorInput.Pieces(input))
            {
                Receive(channel, input.AsSpan(piece));
                while (channel.TryTakeMessage(out ReadOnlySpan<byte> message))
                {
                    FuzzException.Require(
                        count < messages.Count && Trim(message).SequenceEqual(Trim(input.AsSpan(messages[count]))), "a message has other bytes");
                    count++;
                }
            }

            FuzzException.Require(!isRefused, "it takes what the framer refuses");
        }
        catch (InvalidDataException) when (isRefused)
        {
        }
        catch
        {
            // What is left in the socket must not meet the next input.
            Disconnect();
            throw;
        }

        FuzzException.Require(count == messages.Count, "a message is missing");
        return HashCode.Combine(Math.Min(count, 32), isRefused, int.Log2(input.Length | 1));
    }

    // The space before a message may come with it, or have been dropped before.
    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> message) => message.TrimStart(" \r\n\t"u8);

    private void Receive(QmpChannel channel, ReadOnlySpan<byte> piece)
    {
        FuzzException.Require(_monitor!.Send(piece) == piece.Length, "the socket took a part only");
        while (_own!.Available > 0)
        {
            ValueTask<bool> received = channel.ReceiveAsync(CancellationToken.None);
            FuzzException.Require(received.AsTask().GetAwaiter().GetResult(), "the stream has ended");
        }
    }

    private void Connect()
    {
        using Socket listener = NewSocket();
        listener.Bind(new UnixDomainSocketEndPoint($"\0ballast-fuzz-{Guid.NewGuid():N}"));
        listener.Listen(1);
        _monitor = NewSocket();
        _monitor.Connect(listener.LocalEndPoint!);
        _own = listener.Accept();
    }

    private void Disconnect()
    {
        _monitor?.Dispose();
        _own?.Dispose();
        _own = null;
    }

    private static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
}
