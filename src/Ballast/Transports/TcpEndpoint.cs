using System.Runtime.InteropServices;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Transports;

/// <summary>A daemon behind a TCP port.</summary>
internal sealed record TcpEndpoint(string Host, int Port) : IEndpoint
{
    private const int Stream = 1, CloseOnExec = 0x80000, NonBlocking = 0x800;
    private const int SocketLevel = 1, SocketError = 4, TcpLevel = 6, NoDelay = 1;
    private const int InProgress = 115;

    /// <summary>How long one address is waited for before the next is tried beside it: one that drops packets shall not hide the others.</summary>
    private static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(250);

    public string Daemon => $"the daemon at '{Host}:{Port}'";

    public string Advice => ": check that the host is up and that no firewall drops packets to this port";

    /// <exception cref="LibvirtException">It has no address, or none that answers, in libvirt's words.</exception>
    public async ValueTask<ITransport> ConnectAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken) =>
        new SocketTransport(new PlainStream(await OpenAsync(time, cancellationToken).ConfigureAwait(false), Daemon));

    /// <summary>The connection, for whatever is spoken on it.</summary>
    /// <exception cref="LibvirtException">It has no address, or none that answers, in libvirt's words.</exception>
    public async Task<SocketStream> OpenAsync(TimeProvider time, CancellationToken cancellationToken) =>
        await OpenAsync(await HostAddresses.FindAsync(Host, Port, cancellationToken).ConfigureAwait(false), time, cancellationToken).ConfigureAwait(false);

    /// <summary>To the first of them that answers.</summary>
    public async Task<SocketStream> OpenAsync(IReadOnlyList<HostAddress> addresses, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource others = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task<PolledSocket>> attempts = [];
        try
        {
            Exception? failure = null;
            for (int next = 0; next < addresses.Count || attempts.Count > 0;)
            {
                if (next < addresses.Count)
                    attempts.Add(ConnectAsync(addresses[next++], others.Token));
                Task wait = next < addresses.Count ? Task.Delay(Stagger, time, others.Token) : Task.Delay(Timeout.Infinite, others.Token);
                if (await Task.WhenAny(attempts.Append<Task>(wait)).ConfigureAwait(false) is not Task<PolledSocket> over)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    continue;
                }

                attempts.Remove(over);
                if (over.IsCompletedSuccessfully)
                    return new SocketStream(over.Result);
                cancellationToken.ThrowIfCancellationRequested();
                failure = over.Exception!.InnerException;
            }

            if (failure is not ConnectionBrokenException broken)
                throw failure ?? new IOException();
            throw LibvirtError.System(broken.Errno, ErrorOrigin.Rpc, $"unable to connect to server at '{Host}:{Port}': {broken.Message}", broken);
        }
        finally
        {
            await others.CancelAsync().ConfigureAwait(false);
            foreach (Task<PolledSocket> attempt in attempts)
                _ = CloseAsync(attempt);
        }
    }

    private static async Task CloseAsync(Task<PolledSocket> attempt)
    {
        await ((Task)attempt).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (attempt.IsCompletedSuccessfully)
            attempt.Result.Dispose();
    }

    private static async Task<PolledSocket> ConnectAsync(HostAddress address, CancellationToken cancellationToken)
    {
        SafeFileHandle handle = new(Libc.Socket(address.Family, Stream | CloseOnExec | NonBlocking, 0), ownsHandle: true);
        if (handle.IsInvalid)
            throw new ConnectionBrokenException(Marshal.GetLastPInvokeError());
        if (Libc.Connect(handle, address.Bytes, address.Bytes.Length) != 0 && Marshal.GetLastPInvokeError() is not InProgress and var errno)
        {
            handle.Dispose();
            throw new ConnectionBrokenException(errno);
        }

        PolledSocket socket = new(handle);
        try
        {
            await socket.WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
            ThrowIfBroken(handle);

            // Calls are small, and each is waited for.
            _ = Libc.SetSockOpt(handle, TcpLevel, NoDelay, 1, sizeof(int));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void ThrowIfBroken(SafeHandle socket)
    {
        Span<byte> error = stackalloc byte[sizeof(int)];
        int length = error.Length;
        if (Libc.GetSockOpt(socket, SocketLevel, SocketError, error, ref length) != 0)
            throw new ConnectionBrokenException(Marshal.GetLastPInvokeError());
        if (MemoryMarshal.Read<int>(error) is not 0 and var errno)
            throw new ConnectionBrokenException(errno);
    }
}
