using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Interop;
using Ballast.Server;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Transports;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Tests.Transports;

/// <summary>A peer may hand over a TCP socket whose last close waits for as long as the peer says: nobody of ours waits there.</summary>
public sealed class UnwantedDescriptorsTests
{
    private const int SocketLevel = 1, SendBuffer = 7, Linger = 13, PassRights = 83, WithoutWaiting = 0x40, NotPermitted = 1, Urgent = 1, NotSupported = 95;
    private const int LingerSeconds = 30;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_hands_over_one_that_lingers_is_ended_and_keeps_no_other_waiting()
    {
        (SafeHandle ours, Socket peer) = TestSockets.Connect();
        using Lingering lingering = new();
        using (peer)
        {
            Assert.Equal(4, lingering.HandOver(peer));
            long since = Stopwatch.GetTimestamp();
            using PolledSocket own = new(ours);

            _ = await Assert.ThrowsAsync<ConnectionBrokenException>(() => ReceiveAsync(own).In());

            (SafeHandle healthy, Socket its) = TestSockets.Connect();
            using PolledSocket other = new(healthy);
            using (its)
            {
                _ = its.Send(new byte[3]);
                Assert.Equal(3, await ReceiveAsync(other).In());
            }

            Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Soon);
        }
    }

    [Fact]
    public async Task A_socket_with_an_unread_one_is_closed_without_waiting()
    {
        (SafeHandle ours, Socket peer) = TestSockets.Connect();
        using Lingering lingering = new();
        using (peer)
        {
            Assert.Equal(4, lingering.HandOver(peer));
            long since = Stopwatch.GetTimestamp();

            new PolledSocket(ours).Dispose();

            Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Soon);
            Assert.Equal(0, await EndOfAsync(peer).In());
        }
    }

    [Fact]
    public async Task An_older_kernel_lets_them_through_at_any_time()
    {
        (SafeHandle ours, Socket peer) = TestSockets.Connect();
        using Lingering lingering = new();
        using (peer)
        using (PolledSocket own = new(ours))
        {
            // As if it knew no such option.
            _ = Libc.SetSockOpt(ours, SocketLevel, PassRights, 1, sizeof(int));
            long since = Stopwatch.GetTimestamp();
            Assert.Equal(4, lingering.HandOver(peer));

            _ = await Assert.ThrowsAsync<ConnectionBrokenException>(() => ReceiveAsync(own).In());
            Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Soon);
        }
    }

    [Fact]
    public void A_newer_kernel_refuses_them_to_the_sender()
    {
        (SafeHandle ours, Socket peer) = TestSockets.Connect();
        using Lingering lingering = new();
        using (peer)
        using (new PolledSocket(ours))
        {
            // Linux before 6.16 lets the sender have its way.
            bool refuses = UnwantedDescriptors.Refuse(ours) == UnwantedDescriptors.Refusal.Set;
            int sent = lingering.HandOver(peer);
            Assert.True(refuses ? sent == -NotPermitted : sent > 0, $"{refuses}: {sent}");
        }
    }

    [Fact]
    public async Task One_beside_an_urgent_byte_keeps_nobody_waiting_either()
    {
        foreach (bool isRead in (bool[])[true, false])
        {
            (SafeHandle ours, Socket peer) = TestSockets.Connect();
            using Lingering lingering = new();
            using (peer)
            {
                int sent = lingering.HandOver(peer, bytes: 1, Urgent);

                // A kernel without urgent bytes on Unix sockets.
                if (sent == -NotSupported)
                    continue;
                Assert.Equal(1, sent);
                long since = Stopwatch.GetTimestamp();
                using (PolledSocket own = new(ours))
                {
                    if (isRead)
                        _ = await Assert.ThrowsAsync<ConnectionBrokenException>(() => ReceiveAsync(own).In());
                }

                Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Soon);
            }
        }
    }

    [Fact]
    public async Task While_many_cannot_be_closed_no_more_are_received_and_bytes_are()
    {
        const int many = 12;
        Lingering[] lingering = await Task.WhenAll(Enumerable.Range(0, many).Select(static _ => Task.Run(static () => new Lingering(), Token)));
        List<IDisposable> open = [.. lingering];
        (SafeHandle unread, Socket sender) = TestSockets.Connect();
        try
        {
            foreach (Lingering one in lingering)
            {
                (SafeHandle ours, Socket peer) = TestSockets.Connect();
                open.Add(peer);
                Assert.Equal(4, one.HandOver(peer));
                PolledSocket own = new(ours);
                open.Add(own);
                _ = await Assert.ThrowsAsync<ConnectionBrokenException>(() => ReceiveAsync(own).In());
            }

            Assert.True(UnwantedDescriptors.AreTooMany);
            int waiting = UnwantedDescriptors.Waiting;
            Assert.InRange(waiting, many / 2, many - 1);
            Assert.False(ClientLane.MayAcceptReaders(4 * waiting));
            Assert.True(ClientLane.MayAcceptReaders(8 * waiting));

            // What has nothing to do with them is read to the byte.
            _ = sender.Send(new byte[100]);
            using PolledSocket healthy = new(unread);
            Assert.True(healthy.MayBringDescriptors);
            byte[] received = new byte[60];
            Assert.Equal(60, await healthy.ReceiveAsync(received, Token).In());
            Assert.Equal(40, await healthy.ReceiveAsync(received, Token).In());
            Task<int> last = ReceiveAsync(healthy);
            sender.Dispose();
            Assert.Equal(0, await last.In());
        }
        finally
        {
            sender.Dispose();
            open.ForEach(static one => one.Dispose());
            await UntilAsync(static () => !UnwantedDescriptors.AreTooMany);
        }
    }

    [Fact]
    public void A_socket_with_unread_bytes_alone_is_closed_at_once()
    {
        foreach (int bytes in (int[])[1, 5_000, 100_000])
        {
            (SafeHandle ours, Socket peer) = TestSockets.Connect();
            using (peer)
            {
                Assert.Equal(bytes, peer.Send(new byte[bytes]));

                new PolledSocket(ours).Dispose();

                Assert.True(ours.IsClosed);
            }
        }
    }

    [Fact]
    public async Task The_peer_sees_the_end_of_a_socket_that_nobody_can_close_yet()
    {
        (SafeHandle ours, Socket peer) = TestSockets.Connect();
        using (ours)
        using (peer)
        using (Lingering lingering = new())
        {
            Assert.Equal(4, lingering.HandOver(peer));

            UnwantedDescriptors.Close(ours, close: static () => { });

            Assert.Equal(0, await EndOfAsync(peer).In());
            Assert.False(ours.IsClosed);
        }
    }

    [Fact]
    public void No_other_socket_brings_any()
    {
        using Socket internet = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using Socket unix = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        Assert.Equal(UnwantedDescriptors.Refusal.NotNeeded, UnwantedDescriptors.Refuse(internet.SafeHandle));
        Assert.NotEqual(UnwantedDescriptors.Refusal.NotNeeded, UnwantedDescriptors.Refuse(unix.SafeHandle));
    }

    [Fact]
    public void One_that_refused_them_before_it_was_connected_brings_none()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ballast-{Guid.NewGuid():N}");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        try
        {
            Assert.Equal(0, UnixSocketClient.TryConnect(path, out SafeHandle? client));
            UnixSocketHandle handle = Assert.IsType<UnixSocketHandle>(client);
            bool isRefused = handle.Refusal == UnwantedDescriptors.Refusal.Set;

            using PolledSocket own = new(handle);

            Assert.Equal(!isRefused, own.MayBringDescriptors);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (long since = Stopwatch.GetTimestamp(); !isSo(); await Task.Delay(10, Token))
            Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Soon);
    }

    private static Task<int> ReceiveAsync(PolledSocket socket) => socket.ReceiveAsync(new byte[64], CancellationToken.None).AsTask();

    // Its end, or that what it had sent was not read.
    private static async Task<int> EndOfAsync(Socket peer)
    {
        try
        {
            return await peer.ReceiveAsync(new byte[8], TestContext.Current.CancellationToken);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }

    /// <summary>A TCP socket full of what its other end does not read.</summary>
    private sealed class Lingering : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 2048 };
        private readonly Socket _other;
        private readonly SafeFileHandle _full;

        public Lingering()
        {
            const int internet = 2, stream = 1, closeOnExec = 0x80000, bytes = 4096;
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen();
            _full = new SafeFileHandle(Libc.Socket(internet, stream | closeOnExec, 0), ownsHandle: true);
            _ = Libc.SetSockOpt(_full, SocketLevel, SendBuffer, bytes, sizeof(int));
            SocketAddress address = _listener.LocalEndPoint!.Serialize();
            Assert.Equal(0, Libc.Connect(_full, address.Buffer.Span[..address.Size], address.Size));
            _other = _listener.Accept();
            for (int i = 0; i < 5; i++, Thread.Sleep(50))
            {
                while (Libc.Send(_full, new byte[ushort.MaxValue], ushort.MaxValue, WithoutWaiting) > 0)
                {
                }
            }

            int[] linger = [1, LingerSeconds];
            Assert.Equal(0, Libc.SetSockOpt(_full, SocketLevel, Linger, linger[0], linger.Length * sizeof(int)));
        }

        /// <summary>Hands over the only descriptor with some bytes.</summary>
        /// <returns>How many bytes were sent, or the negative number of the error.</returns>
        public int HandOver(Socket peer, int bytes = 4, int flags = 0)
        {
            const int rights = 1, room = 24, length = 20, control = 32, parts = 64, size = 128;
            nint memory = Marshal.AllocHGlobal(size);
            Marshal.Copy(new byte[size], 0, memory, size);
            Marshal.WriteIntPtr(memory + control, length);
            Marshal.WriteInt32(memory + control + 8, SocketLevel);
            Marshal.WriteInt32(memory + control + 12, rights);
            Marshal.WriteInt32(memory + control + 16, (int)_full.DangerousGetHandle());
            Marshal.StructureToPtr(new Libc.MessagePart { Start = memory, Length = bytes }, memory + parts, fDeleteOld: false);
            Libc.Message message = new() { Parts = memory + parts, PartCount = 1, Control = memory + control, ControlLength = room };
            int sent = (int)SendMessage(peer.SafeHandle, ref message, flags);
            int error = Marshal.GetLastPInvokeError();
            Marshal.FreeHGlobal(memory);
            if (sent < 0)
                return -error;
            _full.Dispose();
            return sent;
        }

        public void Dispose()
        {
            // Resets the connection, which ends all waiting.
            _other.LingerState = new LingerOption(enable: true, seconds: 0);
            _other.Dispose();
            _listener.Dispose();
            _full.Dispose();
        }

        [DllImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
        private static extern nint SendMessage(SafeHandle socket, ref Libc.Message message, int flags);
    }
}
