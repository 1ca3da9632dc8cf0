using Ballast.Drivers;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Tests.Cli;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Rpc;

/// <summary>Events for many clients: one subscription, and each gets what happened since it registered.</summary>
public sealed class SessionEventsTests
{
    private const string Name = "fake:///";
    private const int Backlog = 4096;
    private static readonly FakeDomain Guest = new("guest", 7);

    private readonly TaskCompletionSource<IDriverEventSink> _subscribed;
    private readonly SpyDriver _spy;
    private readonly LibvirtServer _server;

    public SessionEventsTests()
    {
        FakeDriver fake = new(Guest);
        _subscribed = fake.Subscribed;
        (IDriver driver, _spy) = SpyDriver.Before(fake);
        _server = new([(Name, new Connection(driver, Name, new ConnectionOptions()))], new LibvirtServerOptions { MaxCallbacks = 40, MaxUserCallbacks = 100 });
    }

    [Fact]
    public async Task All_clients_get_the_same_in_order_from_one_subscription()
    {
        const int clients = 30, events = 200;
        List<PipedClient> all = [];
        for (int i = 0; i < clients; i++)
        {
            all.Add(await PipedClient.OpenAsync(_server, Name, isReadOnly: i % 3 != 0, uid: (uint)(i % 4)));
            await RegisterAsync(all[i], DomainEventIds.BalloonChange);
        }

        Assert.Single(_spy.Calls, call => call == "SubscribeAsync");
        IDriverEventSink sink = await _subscribed.Task.In();
        for (ulong kib = 1; kib <= events; kib++)
            sink.Add(DriverEvent.BalloonChange(Guest.Identity, kib));
        foreach (PipedClient client in all)
        {
            for (ulong kib = 1; kib <= events; kib++)
                Assert.Equal(kib, XdrReader.Read<BalloonCallback>(Frames.Payload((await client.ReceiveAsync())!)).Msg.Actual);
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Nobody_gets_what_happened_before_it_registered()
    {
        await using PipedClient first = await PipedClient.OpenAsync(_server, Name), second = await PipedClient.OpenAsync(_server, Name);
        await RegisterAsync(first, DomainEventIds.BalloonChange);
        IDriverEventSink sink = await _subscribed.Task.In();
        sink.Add(DriverEvent.BalloonChange(Guest.Identity, 1));
        await RegisterAsync(second, DomainEventIds.BalloonChange);
        sink.Add(DriverEvent.BalloonChange(Guest.Identity, 2));
        Assert.Equal(1ul, await NextSizeAsync(first));
        Assert.Equal(2ul, await NextSizeAsync(first));
        Assert.Equal(2ul, await NextSizeAsync(second));
    }

    [Fact]
    public async Task A_users_clients_have_a_limited_number_of_callbacks_together_and_leave_none()
    {
        await using PipedClient other = await PipedClient.OpenAsync(_server, Name, isReadOnly: true, uid: 6), privileged = await PipedClient.OpenAsync(_server, Name, uid: 5);
        for (int round = 0; round < 2; round++)
        {
            List<PipedClient> clients = [];
            int registered = 0;
            string? refusal = null;
            for (int i = 0; i < 3; i++)
            {
                clients.Add(await PipedClient.OpenAsync(_server, Name, isReadOnly: true, uid: 5));
                for (int j = 0; j < _server.Options.MaxCallbacks; j++)
                {
                    (RpcHeader header, byte[] payload) = await clients[i].CallAsync(RemoteProcedure.ConnectDomainEventCallbackRegisterAny, Arguments(DomainEventIds.Reboot));
                    if (header.Status == RpcStatus.Ok)
                        registered++;
                    else
                        refusal ??= XdrReader.Read<RemoteError>(payload).Message;
                }
            }

            Assert.Equal(_server.Options.MaxUserCallbacks, registered);
            Assert.Equal("internal error: too many event callbacks, at most 100 for one user", refusal);
            await RegisterAsync(other, DomainEventIds.Reboot);
            await RegisterAsync(privileged, DomainEventIds.Reboot);
            foreach (PipedClient client in clients)
                await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Who_lags_too_far_behind_is_disconnected_and_nobody_else()
    {
        await using PipedClient lagging = await PipedClient.OpenAsync(_server, Name, isReadOnly: true, unread: 16 * 1024, uid: 5);
        await using PipedClient healthy = await PipedClient.OpenAsync(_server, Name, isReadOnly: true, uid: 6);
        await RegisterAsync(lagging, DomainEventIds.BalloonChange);
        await RegisterAsync(healthy, DomainEventIds.BalloonChange);
        IDriverEventSink sink = await _subscribed.Task.In();
        for (ulong kib = 1; kib <= 2 * Backlog; kib++)
        {
            sink.Add(DriverEvent.BalloonChange(Guest.Identity, kib));
            Assert.Equal(kib, await NextSizeAsync(healthy));
        }

        // It may go on where it stood, if it reads: but there is a gap.
        await lagging.EndedAsync();
        Assert.False(healthy.Served.IsCompleted);
    }

    [Fact]
    public async Task A_gap_of_the_driver_ends_all_who_registered()
    {
        await using PipedClient registered = await PipedClient.OpenAsync(_server, Name), mere = await PipedClient.OpenAsync(_server, Name);
        await RegisterAsync(registered, DomainEventIds.BalloonChange);
        (await _subscribed.Task.In()).Interrupt();
        await registered.EndedAsync();
        Assert.Equal(RpcStatus.Ok, (await mere.CallAsync(RemoteProcedure.ConnectGetType)).Header.Status);
        await RegisterAsync(mere, DomainEventIds.BalloonChange);
    }

    private static string Arguments(int eventId) => $"{eventId:x8}00000000";

    private static async Task RegisterAsync(PipedClient client, int eventId) => Assert.Equal(
        RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectDomainEventCallbackRegisterAny, Arguments(eventId))).Header.Status);

    private static async Task<ulong> NextSizeAsync(PipedClient client) =>
        XdrReader.Read<BalloonCallback>(Frames.Payload((await client.ReceiveAsync())!)).Msg.Actual;
}
