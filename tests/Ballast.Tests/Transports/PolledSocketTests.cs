using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Transports;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Tests.Transports;

/// <summary>Bytes that come in any portions and at any time are all received, and nobody waits for what cannot come.</summary>
public sealed class PolledSocketTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_came_with_the_end_is_received_and_then_the_end()
    {
        for (int i = 0; i < 200; i++)
        {
            (PolledSocket own, Socket peer) = Pair();
            using (own)
            {
                Task<int> received = ReceiveAsync(own, new byte[64]);
                if (i % 2 == 0)
                    await Task.Yield();
                _ = peer.Send(new byte[7]);
                peer.Dispose();

                Assert.Equal(7, await received.In());
                Assert.Equal(0, await ReceiveAsync(own, new byte[64]).In());
                Assert.Equal(0, await ReceiveAsync(own, new byte[64]).In());
            }
        }
    }

    [Fact]
    public async Task More_than_there_is_room_for_comes_in_portions()
    {
        (PolledSocket own, Socket peer) = Pair();
        using (own)
        using (peer)
        {
            byte[] sent = new byte[100_000];
            Random.Shared.NextBytes(sent);
            Task sending = peer.SendAsync(sent, Token).AsTask();
            byte[] received = new byte[sent.Length];
            for (int at = 0; at < received.Length;)
                at += await ReceiveAsync(own, received.AsMemory(at, Math.Min(700, received.Length - at))).In();
            await sending.In();

            Assert.Equal(sent, received);
        }
    }

    [Fact]
    public async Task More_than_the_peer_has_room_for_is_sent_as_it_reads()
    {
        (PolledSocket own, Socket peer) = Pair();
        using (own)
        using (peer)
        {
            byte[] sent = new byte[3_000_000], received = new byte[sent.Length];
            Random.Shared.NextBytes(sent);
            Task sending = own.SendAllAsync(sent, Token).AsTask();
            Task<int> answered = ReceiveAsync(own, new byte[8]);
            Assert.False(sending.IsCompleted);
            for (int at = 0; at < received.Length;)
                at += await peer.ReceiveAsync(received.AsMemory(at, Math.Min(100_000, received.Length - at)), SocketFlags.None, Token).AsTask().In();
            await sending.In();
            Assert.Equal(sent, received);

            // Who reads was not disturbed.
            Assert.False(answered.IsCompleted);
            _ = peer.Send(new byte[3]);
            Assert.Equal(3, await answered.In());
        }
    }

    [Fact]
    public async Task Who_waits_for_room_can_cancel_and_is_told_of_the_end()
    {
        foreach (string end in (string[])["cancelled", "closed here", "closed there"])
        {
            (PolledSocket own, Socket peer) = Pair();
            using CancellationTokenSource cancellation = new();
            using (own)
            using (peer)
            {
                Task sending = own.SendAllAsync(new byte[3_000_000], cancellation.Token).AsTask();
                Assert.False(sending.IsCompleted);
                if (end == "cancelled")
                    await cancellation.CancelAsync();
                else if (end == "closed here")
                    own.Dispose();
                else
                    peer.Dispose();
                Exception? error = await Record.ExceptionAsync(() => sending.In());
                Assert.True(error is OperationCanceledException or ObjectDisposedException or ConnectionBrokenException, $"{end}: {error}");
            }
        }
    }

    [Fact]
    public async Task Many_at_once_lose_nothing()
    {
        await Task.WhenAll(Enumerable.Range(0, 100).Select(EchoAsync)).In();

        static async Task EchoAsync(int seed)
        {
            Random random = new(seed);
            (PolledSocket own, Socket peer) = Pair();
            using (own)
            using (peer)
            {
                byte[] buffer = new byte[256];
                for (int i = 0; i < 100; i++)
                {
                    int length = random.Next(1, 200), received = 0;
                    Task sending = Task.Run(() => peer.Send(new byte[length]), Token);
                    while (received < length)
                        received += await ReceiveAsync(own, buffer);
                    Assert.Equal(length, received);
                    await sending;
                }
            }
        }
    }

    [Fact]
    public async Task Cancelling_ends_the_wait_and_nothing_else()
    {
        (PolledSocket own, Socket peer) = Pair();
        using (own)
        using (peer)
        {
            using CancellationTokenSource cancellation = new();
            Task<int> waiting = own.ReceiveAsync(new byte[8], cancellation.Token).AsTask();
            await cancellation.CancelAsync();
            _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.In());
            _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => own.ReceiveAsync(new byte[8], cancellation.Token).AsTask().In());

            _ = peer.Send(new byte[3]);
            Assert.Equal(3, await ReceiveAsync(own, new byte[8]).In());
        }
    }

    [Fact]
    public async Task Cancelling_while_bytes_come_loses_none()
    {
        (PolledSocket own, Socket peer) = Pair();
        using (own)
        using (peer)
        {
            for (int i = 0; i < 500; i++)
            {
                using CancellationTokenSource cancellation = new();
                Task<int> waiting = own.ReceiveAsync(new byte[8], cancellation.Token).AsTask();
                Task sending = Task.Run(() => peer.Send(new byte[1]), Token);
                await cancellation.CancelAsync();
                int received = 0;
                try
                {
                    received = await waiting.In();
                }
                catch (OperationCanceledException)
                {
                }

                await sending;
                if (received == 0)
                    received = await ReceiveAsync(own, new byte[8]).In();
                Assert.Equal(1, received);
            }
        }
    }

    [Fact]
    public async Task Closing_ends_the_wait_but_not_under_the_lock_of_who_closes()
    {
        (PolledSocket own, Socket peer) = Pair();
        using (peer)
        {
            object gate = new();
            Task<bool> waiting = WaitAsync();
            lock (gate)
                own.Dispose();

            Assert.False(await waiting.In());
            _ = await Assert.ThrowsAsync<ObjectDisposedException>(() => ReceiveAsync(own, new byte[8]).In());

            async Task<bool> WaitAsync()
            {
                _ = await Assert.ThrowsAsync<ObjectDisposedException>(async () => await own.ReceiveAsync(new byte[8], Token).ConfigureAwait(false)).ConfigureAwait(false);
                return Monitor.IsEntered(gate);
            }
        }
    }

    [Fact]
    public async Task Who_wants_no_error_is_told_of_an_end_when_it_is_closed()
    {
        (SafeHandle handle, Socket peer) = TestSockets.Connect();
        PolledSocket own = new(handle) { EndsWhenClosed = true };
        using (peer)
        {
            Task<int> waiting = ReceiveAsync(own, new byte[8]);
            Assert.False(waiting.IsCompleted);
            own.Dispose();

            Assert.Equal(0, await waiting.In());
            foreach (int room in (int[])[0, 8])
                Assert.Equal(0, await ReceiveAsync(own, new byte[room]).In());
        }
    }

    [Fact]
    public async Task Who_goes_on_does_so_upon_the_one_thread_that_waits()
    {
        for (int i = 0; i < 3; i++)
        {
            (PolledSocket own, Socket peer) = Pair();
            using (own)
            using (peer)
            {
                Task<string?> thread = NameAsync(own);
                _ = peer.Send(new byte[1]);
                Assert.Equal("Ballast sockets", await thread.In());
            }
        }

        static async Task<string?> NameAsync(PolledSocket own)
        {
            _ = await own.ReceiveAsync(new byte[8], CancellationToken.None).ConfigureAwait(false);
            return Thread.CurrentThread.Name;
        }
    }

    [Fact]
    public async Task Where_there_are_several_threads_one_that_is_held_up_holds_up_nobody()
    {
        SocketPoller poller = new("several", 2);
        (PolledSocket held, Socket holder) = Pair(poller);
        (PolledSocket own, Socket peer) = Pair(poller);
        using ManualResetEventSlim goOn = new();
        using (held)
        using (holder)
        using (own)
        using (peer)
        {
            TaskCompletionSource isHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Task holding = HoldAsync();
            _ = holder.Send(new byte[1]);
            await isHeld.Task.In();
            for (int i = 0; i < 10; i++)
            {
                Task<int> receiving = ReceiveAsync(own, new byte[8]);
                _ = peer.Send(new byte[1]);
                Assert.Equal(1, await receiving.In());
            }

            goOn.Set();
            await holding.In();

            async Task HoldAsync()
            {
                _ = await held.ReceiveAsync(new byte[8], CancellationToken.None).ConfigureAwait(false);
                isHeld.SetResult();
                goOn.Wait();
            }
        }
    }

    [Theory]
    [InlineData(65536)]
    [InlineData(1)]
    public async Task Who_sends_without_end_holds_up_nobody_and_can_be_cancelled(int portion)
    {
        using CancellationTokenSource enough = new();
        (PolledSocket flooded, Socket flooder) = Pair();
        (PolledSocket own, Socket peer) = Pair();
        using (flooded)
        using (flooder)
        using (own)
        using (peer)
        {
            Thread flood = new(() => Flood(flooder, portion)) { IsBackground = true };
            flood.Start();
            Task reading = ReadAsync(flooded, enough.Token);
            for (int i = 0; i < 100; i++)
            {
                _ = peer.Send(new byte[1]);
                Assert.Equal(1, await ReceiveAsync(own, new byte[8]).In());
            }

            await enough.CancelAsync();
            _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.In());
        }

        static async Task ReadAsync(PolledSocket flooded, CancellationToken enough)
        {
            byte[] buffer = new byte[8192];
            while (true)
                _ = await flooded.ReceiveAsync(buffer, enough).ConfigureAwait(false);
        }

        static void Flood(Socket socket, int portion)
        {
            byte[] bytes = new byte[portion];
            try
            {
                while (socket.Send(bytes, SocketFlags.None, out SocketError error) > 0 && error == SocketError.Success)
                {
                }
            }
            catch (ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }

    [Fact]
    public async Task A_socket_that_is_closed_while_it_is_told_of_room_disturbs_no_other()
    {
        SocketPoller poller = new("Ballast test", 1);
        (PolledSocket closed, Socket peer) = Pair(poller);
        (PolledSocket other, Socket itsPeer) = Pair(poller);
        using (closed)
        using (peer)
        using (other)
        using (itsPeer)
        {
            while (closed.Send(new byte[65536]) > 0)
            {
            }

            // The number has a twin, so the system still knows the socket when its handle is closed.
            using SafeFileHandle twin = new(Duplicate(closed.Handle), ownsHandle: true);
            Task room = closed.WaitForRoomAsync(Token).AsTask();
            closed.Handle.Dispose();
            byte[] read = new byte[1 << 20];
            while (peer.Available > 0)
                _ = peer.Receive(read);
            await room.In();

            await IsToldAsync(other, itsPeer);
            _ = await Assert.ThrowsAsync<ObjectDisposedException>(() => closed.WaitForRoomAsync(Token).AsTask().In());
        }
    }

    [Fact]
    public async Task Whoever_fails_on_the_thread_of_all_sockets_disturbs_no_other()
    {
        SocketPoller poller = new("Ballast test", 1);
        (PolledSocket failing, Socket peer) = Pair(poller);
        (PolledSocket other, Socket itsPeer) = Pair(poller);
        using (failing)
        using (peer)
        using (other)
        using (itsPeer)
        {
#pragma warning disable CA2012 // A task would catch what is thrown.
            failing.ReceiveAsync(new byte[8], Token).GetAwaiter().UnsafeOnCompleted(() => throw new InvalidOperationException());
#pragma warning restore CA2012
            _ = peer.Send(new byte[1]);

            await IsToldAsync(other, itsPeer);
        }
    }

    private static async Task IsToldAsync(PolledSocket socket, Socket peer)
    {
        Task<int> received = ReceiveAsync(socket, new byte[8]);
        _ = peer.Send(new byte[1]);
        Assert.Equal(1, await received.In());
    }

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Duplicate(SafeHandle descriptor);

    private static Task<int> ReceiveAsync(PolledSocket socket, Memory<byte> buffer) => socket.ReceiveAsync(buffer, CancellationToken.None).AsTask();

    internal static (PolledSocket Own, Socket Peer) Pair(SocketPoller? poller = null)
    {
        (SafeHandle own, Socket peer) = TestSockets.Connect();
        return (new PolledSocket(own, poller), peer);
    }
}
