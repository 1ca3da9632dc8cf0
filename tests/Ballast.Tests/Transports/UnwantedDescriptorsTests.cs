using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Interop;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Transports;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Tests.Transports;

/// <summary>A peer may hand over a TCP socket whose last close waits for as long as the peer says: nobody of ours waits there.</summary>
public sealed class UnwantedDescriptorsTests
{
    private const int SocketLevel = 1, SendBuffer = 7, Linger = 13, PassRights = 83, WithoutWaiting = 0x40, NotPermitted = 1;
    private const int LingerSeconds = 30;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Who_hands_over_one_that_lingers_is_ended_and_keeps_no_other_waiting()
    {
        (SafeHandle ours, Socket peer) = Pair();
        using Lingering lingering = new();
        using (peer)
        {
            Assert.Equal(4, lingering.HandOver(peer));
            long since = Stopwatch.GetTimestamp();
            using PolledSocket own = new(ours);

            _ = await Assert.ThrowsAsync<ConnectionBrokenException>(() => ReceiveAsync(own).In());

            (SafeHandle healthy, Socket its) = Pair();
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
        (SafeHandle ours, Socket peer) = Pair();
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
        (SafeHandle ours, Socket peer) = Pair();
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
        (SafeHandle ours, Socket peer) = Pair();
        using Lingering lingering = new();
        using (peer)
        using (new PolledSocket(ours))
        {
            Assert.SkipUnless(UnwantedDescriptors.Refuse(ours) == UnwantedDescriptors.Refusal.Set, "Linux before 6.16");

            Assert.Equal(-NotPermitted, lingering.HandOver(peer));
        }
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

    private static (SafeHandle Ours, Socket Peer) Pair()
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint($"\0ballast-unwanted-{Guid.NewGuid():N}"));
        listener.Listen(1);
        Socket peer = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        peer.Connect(listener.LocalEndPoint!);
        return (TestSockets.Release(listener.Accept()), peer);
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

        /// <summary>Hands over the only descriptor behind four bytes.</summary>
        /// <returns>How many bytes were sent, or the negative number of the error.</returns>
        public int HandOver(Socket peer)
        {
            const int rights = 1, room = 24, length = 20, bytes = 4, control = 32, parts = 64, size = 128;
            nint memory = Marshal.AllocHGlobal(size);
            Marshal.Copy(new byte[size], 0, memory, size);
            Marshal.WriteIntPtr(memory + control, length);
            Marshal.WriteInt32(memory + control + 8, SocketLevel);
            Marshal.WriteInt32(memory + control + 12, rights);
            Marshal.WriteInt32(memory + control + 16, (int)_full.DangerousGetHandle());
            Marshal.StructureToPtr(new Libc.MessagePart { Start = memory, Length = bytes }, memory + parts, fDeleteOld: false);
            Libc.Message message = new() { Parts = memory + parts, PartCount = 1, Control = memory + control, ControlLength = room };
            int sent = (int)SendMessage(peer.SafeHandle, ref message, 0);
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
