using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>Connections over TCP: names, addresses that do not answer, and the deadline.</summary>
public sealed class TcpEndpointTests
{
    private const int Refused = 111;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_address_that_drops_packets_does_not_hide_the_next()
    {
        using Full full = new();
        using Socket listener = Listen();
        await using SocketStream stream = await new TcpEndpoint("two", 1).OpenAsync([full.Address, Address(listener)], TimeProvider.System, Token);
        using Socket accepted = await listener.AcceptAsync(Token);
        await accepted.SendAsync("x"u8.ToArray(), Token);
        Assert.Equal(1, await stream.ReadAsync(new byte[2], Token));
    }

    [Fact]
    public async Task Of_five_addresses_the_one_that_answers_is_found_in_a_second_and_the_others_are_let_go()
    {
        using Full full = new();
        using HeldPort held = new();
        using Socket listener = Listen();
        long start = Environment.TickCount64;
        await using (await new TcpEndpoint("five", 1).OpenAsync(
            [full.Address, full.Address, Address(held.Address), full.Address, Address(listener)], TimeProvider.System, Token))
            Assert.InRange(Environment.TickCount64 - start, 700, 5000);
    }

    [Fact]
    public async Task One_that_refuses_is_passed_over_at_once_and_the_last_refusal_is_told()
    {
        using Socket listener = Listen();
        using HeldPort held = new();
        HostAddress refuses = Address(held.Address);
        await using (await new TcpEndpoint("two", 1).OpenAsync([refuses, Address(listener)], TimeProvider.System, Token))
        {
        }

        LibvirtException error = await new TcpEndpoint("two", 1).OpenAsync([refuses, refuses], TimeProvider.System, Token)
            .FailsAsync(ErrorCode.SystemError);
        Assert.Equal((ErrorOrigin.Rpc, Refused, "unable to connect to server at 'two:1': Connection refused"), (error.Origin, error.Int1, error.Message));
    }

    [Fact]
    public async Task Only_a_deadline_ends_the_waiting_for_one_that_drops_packets()
    {
        using Full full = new();
        LibvirtException error = await Connection.OpenAsync($"qemu+tcp://127.0.0.1:{full.Port}/system?timeout=400ms", cancellationToken: Token)
            .AsTask().FailsAsync(ErrorCode.OperationTimeout);
        Assert.Equal(
            $"Timed out during operation: the daemon at '127.0.0.1:{full.Port}' did not open the connection within 0.4 s: "
            + "check that the host is up and that no firewall drops packets to this port", error.Message);

        using CancellationTokenSource cancelled = new();
        Task opening = Connection.OpenAsync($"qemu+tcp://127.0.0.1:{full.Port}/system", cancellationToken: cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
    }

    [Theory]
    [InlineData("qemu+tcp://no.such.host.invalid/system", "no.such.host.invalid", 16509)]
    [InlineData("qemu+tcp://no.such.host.invalid:77/system", "no.such.host.invalid", 77)]
    public async Task A_name_without_an_address_is_told_in_libvirts_words(string uri, string host, int port)
    {
        LibvirtException error = await Connection.OpenAsync(uri, cancellationToken: Token).AsTask().FailsAsync(ErrorCode.SystemError);
        Assert.StartsWith($"Unable to resolve address '{host}' service '{port}': ", error.Message, StringComparison.Ordinal);
    }

    private static Socket Listen()
    {
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }

    private static HostAddress Address(Socket socket) => Address(socket.LocalEndPoint!);

    private static HostAddress Address(EndPoint endpoint)
    {
        SocketAddress address = endpoint.Serialize();
        return new((int)AddressFamily.InterNetwork, address.Buffer[..address.Size].ToArray());
    }

    /// <summary>A listener whose queue is full: Linux drops what else would connect.</summary>
    internal sealed class Full : IDisposable
    {
        private const int TcpLevel = 6, TcpInfo = 11;

        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly Socket _waiting = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        public Full()
        {
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(0);
            _waiting.Connect(_listener.LocalEndPoint!);
            Assert.True(SpinWait.SpinUntil(IsFull, Deadline.Default));
        }

        public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        public HostAddress Address => TcpEndpointTests.Address(_listener);

        public void Dispose()
        {
            _listener.Dispose();
            _waiting.Dispose();
        }

        // Of a listener, Linux tells how many wait to be accepted (tcpi_unacked) and for how many there is room (tcpi_sacked); it
        // takes one more.
        private bool IsFull()
        {
            Span<byte> information = stackalloc byte[104];
            _ = _listener.GetRawSocketOption(TcpLevel, TcpInfo, information);
            return MemoryMarshal.Read<int>(information[24..]) > MemoryMarshal.Read<int>(information[28..]);
        }
    }
}
