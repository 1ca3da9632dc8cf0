using System.Buffers.Binary;
using System.Net.Sockets;
using Ballast.Rpc;

namespace Ballast.Recorder;

/// <summary>Stands between clients and a daemon, and hands over each frame as it was.</summary>
internal sealed class RecordingProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _end = new();
    private readonly string _daemon;
    private readonly FrameKeeper _frames;
    private readonly List<Task> _clients = [];
    private readonly Task _accepting;

    public RecordingProxy(string path, string daemon, FrameKeeper frames)
    {
        _daemon = daemon;
        _frames = frames;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    /// <summary>
    /// Lets clients believe that the daemon is too old to tell callbacks apart, so that they register as of old. What the
    /// daemon says is recorded all the same.
    /// </summary>
    public bool HidesCallbacks { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_clients);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                _clients.Add(RelayAsync(await _listener.AcceptAsync(_end.Token)));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task RelayAsync(Socket accepted)
    {
        using Socket daemon = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using Socket client = accepted;
        await daemon.ConnectAsync(new UnixDomainSocketEndPoint(_daemon), _end.Token);
        HashSet<uint> hidden = [];
        await Task.WhenAll(CopyAsync(client, daemon, isFromClient: true, hidden), CopyAsync(daemon, client, isFromClient: false, hidden));
    }

    private async Task CopyAsync(Socket from, Socket to, bool isFromClient, HashSet<uint> hidden)
    {
        try
        {
            await using NetworkStream input = new(from), output = new(to);
            byte[] length = new byte[RpcLimits.LengthBytes];
            while (await input.ReadAtLeastAsync(length, length.Length, throwOnEndOfStream: false, _end.Token) == length.Length)
            {
                byte[] frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
                length.CopyTo(frame, 0);
                await input.ReadExactlyAsync(frame.AsMemory(length.Length), _end.Token);
                _frames.Add([.. frame], isFromClient);
                Hide(frame, isFromClient, hidden);
                await output.WriteAsync(frame, _end.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // One of the two is gone.
        }

        ShutDown(from);
        ShutDown(to);
    }

    private void Hide(byte[] frame, bool isFromClient, HashSet<uint> hidden)
    {
        RpcHeader header = RpcHeader.Read(frame.AsSpan(RpcLimits.LengthBytes));
        if (!HidesCallbacks || header is not { Program: RpcPrograms.Remote, Procedure: (int)RemoteProcedure.ConnectSupportsFeature })
            return;
        lock (hidden)
        {
            Span<byte> payload = frame.AsSpan(RpcHeader.FrameOverhead);
            if (isFromClient && BinaryPrimitives.ReadInt32BigEndian(payload) == RemoteFeatures.EventCallback)
                _ = hidden.Add(header.Serial);
            else if (!isFromClient && hidden.Remove(header.Serial))
                payload.Clear();
        }
    }

    private static void ShutDown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is already.
        }
    }
}
