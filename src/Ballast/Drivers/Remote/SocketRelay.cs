using System.Runtime.InteropServices;
using Ballast.Interop;
using Ballast.Transports;

namespace Ballast.Drivers.Remote;

/// <summary>Two streams on one side, a daemon's socket on the other, and whatever comes between them.</summary>
internal static class SocketRelay
{
    private const int BufferBytes = 64 * 1024;
    private const int ReadAndWrite = 6, NoMoreSending = 1;

    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(10), Silence = TimeSpan.FromSeconds(30);

    /// <summary>The socket of that path, or the first of the URI's, that is there and may be used; null: none.</summary>
    public static string? Find(string target, bool readOnly) => Sockets(target, readOnly).FirstOrDefault(static path => Libc.Access(path, ReadAndWrite) == 0);

    public static async Task RunAsync(string target, bool readOnly, Stream input, Stream output, CancellationToken cancellationToken)
    {
        UnixEndpoint endpoint = new(Sockets(target, readOnly));
        SafeHandle handle = await UnixEndpoint.ConnectAsync(
            Find(target, readOnly) ?? endpoint.Socket, ConnectPatience, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        using PolledSocket socket = new(handle);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            Task sending = SendAsync(input, socket, over.Token);
            await ReceiveAsync(socket, output, sending, over).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The daemon was silent for too long after the end of the input: it ends without an error, as it began.
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
        }
    }

    private static List<string> Sockets(string target, bool readOnly) =>
        target.StartsWith('/') ? [target] : RemoteSockets.OfThisHost(ConnectUri.Parse(target), readOnly);

    private static async Task SendAsync(Stream input, PolledSocket socket, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (await input.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var count)
                await socket.SendAllAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            _ = Libc.Shutdown(socket.Handle, NoMoreSending);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The other direction tells of the end: what the daemon had to say comes first.
        }
    }

    private static async Task ReceiveAsync(PolledSocket socket, Stream output, Task sending, CancellationTokenSource over)
    {
        byte[] buffer = new byte[BufferBytes];
        _ = sending.ContinueWith(
            _ => over.CancelAfter(Silence), over.Token, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        while (await socket.ReceiveAsync(buffer, over.Token).ConfigureAwait(false) is > 0 and var count)
        {
            if (sending.IsCompleted)
                over.CancelAfter(Silence);
            await output.WriteAsync(buffer.AsMemory(0, count), over.Token).ConfigureAwait(false);
            await output.FlushAsync(over.Token).ConfigureAwait(false);
        }
    }
}
