using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Rpc;

/// <summary>The API with a server in between, against the API without.</summary>
public sealed class RemoteDriverTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Everything_is_the_same_through_a_server()
    {
        await using Connection direct = await Connection.OpenAsync("test:///fleet?domains=40&seed=9", cancellationToken: Token);
        await using ServerFixture server = ServerFixture.Start(direct);
        await using Connection remote = await server.ConnectAsync();
        Assert.Equal(direct.DriverType, remote.DriverType);
        Assert.Equal(await direct.GetVersionAsync(Token), await remote.GetVersionAsync(Token));

        IReadOnlyList<Domain> mine = await direct.ListDomainsAsync(cancellationToken: Token), theirs = await remote.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal(mine.Select(domain => (domain.Name, domain.Uuid, domain.Id)), theirs.Select(domain => (domain.Name, domain.Uuid, domain.Id)));
        foreach ((Domain one, Domain other) in mine.Zip(theirs))
        {
            Assert.Equal(await one.GetStateAsync(Token), await other.GetStateAsync(Token));
            DomainInfo here = await one.GetInfoAsync(Token), there = await other.GetInfoAsync(Token);
            Assert.Equal((here.State, here.MaxMemoryKiB, here.VirtualCpus), (there.State, there.MaxMemoryKiB, there.VirtualCpus));
            MemoryStats sample = await one.GetMemoryStatsAsync(MemoryStatsOptions.Extended, Token);
            MemoryStats far = await other.GetMemoryStatsAsync(MemoryStatsOptions.Extended, Token);
            Assert.Equal(
                (sample.Freshness, sample.Reason, sample.Period, sample.Inconsistencies, sample.Detail),
                (far.Freshness, far.Reason, far.Period, far.Inconsistencies, far.Detail));
            Assert.Equal(sample.Entries.Select(entry => entry.Tag), far.Entries.Select(entry => entry.Tag));
            foreach (MemoryStatTag tag in Enum.GetValues<MemoryStatTag>())
                Assert.Equal(sample.WhyMissing(tag), far.WhyMissing(tag));
            Assert.Equal(await one.GetPeriodAsync(Token), await other.GetPeriodAsync(Token));
        }

        IReadOnlyList<DomainStatsRecord> bulk = await direct.GetAllDomainStatsAsync(cancellationToken: Token), far2 = await remote.GetAllDomainStatsAsync(cancellationToken: Token);
        Assert.Equal(bulk.Select(record => record.Domain.Name), far2.Select(record => record.Domain.Name));
        Assert.Equal(bulk.SelectMany(record => record.Parameters.Select(field => (field.Field, field.Type))), far2.SelectMany(record => record.Parameters.Select(field => (field.Field, field.Type))));
        Assert.Empty(await remote.GetDomainStatsAsync([], cancellationToken: Token));
    }

    [Fact]
    public async Task Changes_errors_and_refresh_cross_it()
    {
        await using Connection direct = await Connection.OpenAsync("test:///fleet?domains=40&seed=10", cancellationToken: Token);
        await using ServerFixture server = ServerFixture.Start(direct);
        await using Connection remote = await server.ConnectAsync();
        Domain idle = await remote.LookupByNameAsync((await direct.ListDomainsAsync(cancellationToken: Token))[0].Name, Token);
        await idle.SetPeriodAsync(3600, cancellationToken: Token);
        Assert.Equal(3600, await direct.LookupByNameAsync(idle.Name, Token).AsTask().ContinueWith(found => found.Result.GetPeriodAsync(Token), Token).Unwrap());
        Assert.Equal(Freshness.Fresh, (await idle.RefreshMemoryStatsAsync(cancellationToken: Token)).Freshness);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await remote.LookupByNameAsync("nobody", Token));
        Assert.Equal((ErrorCode.NoDomain, ErrorOrigin.Test, "Domain not found: no domain with matching name 'nobody'"), (error.Code, error.Origin, error.Message));
        Assert.Equal(("Domain not found: %s", "no domain with matching name 'nobody'", -1), (error.Str1, error.Str2, error.Int1));

        await using Connection reader = await server.ConnectAsync(new ConnectionOptions { ReadOnly = true });
        Domain watched = await reader.LookupByIdAsync(1, Token);
        await watched.SetMemoryAsync(1024, cancellationToken: Token).AsTask().FailsAsync(ErrorCode.OperationDenied);
    }

    [Fact]
    public async Task A_handle_leads_to_a_renamed_domain_and_its_changed_metadata_are_told_in_libvirts_words()
    {
        await using Connection direct = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        await using ServerFixture server = ServerFixture.Start(direct);
        await using Connection remote = await server.ConnectAsync();
        await using DomainEventSubscription events = await remote.SubscribeAsync(new() { Kinds = DomainEventKinds.MetadataChange }, Token);
        await using IAsyncEnumerator<DomainEvent> reader = events.GetAsyncEnumerator(Token);
        Domain domain = await remote.LookupByNameAsync("test", Token);

        await domain.SetMetadataAsync(DomainMetadataType.Title, "one", cancellationToken: Token);
        await domain.SetMetadataAsync(DomainMetadataType.Element, null, uri: "urn:nothing", cancellationToken: Token);
        await domain.DestroyAsync(cancellationToken: Token);
        await domain.RenameAsync("other", Token);
        await domain.SetMetadataAsync(DomainMetadataType.Description, "two", cancellationToken: Token);
        Assert.Equal("two", await (await remote.LookupByNameAsync("other", Token)).GetMetadataAsync(DomainMetadataType.Description, cancellationToken: Token));
        Assert.Equal("two", await domain.GetMetadataAsync(DomainMetadataType.Description, cancellationToken: Token));
        foreach ((string name, DomainMetadataType type, string? uri) in ((string, DomainMetadataType, string?)[])
            [
                ("test", DomainMetadataType.Title, null), ("test", DomainMetadataType.Element, "urn:nothing"), ("other", DomainMetadataType.Description, null),
            ])
        {
            MetadataChangeEvent told = Assert.IsType<MetadataChangeEvent>(await NextAsync(reader));
            Assert.Equal((name, type, uri), (told.Domain.Name, told.Type, told.NamespaceUri));
        }
    }

    [Fact]
    public async Task Events_cross_it_and_a_subscription_survives_a_lost_connection_where_that_was_asked_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using ServerFixture server = ServerFixture.Start(session.Connection);
        await using Connection remote = await server.ConnectAsync(new ConnectionOptions { Reconnect = true });
        await using Connection plain = await server.ConnectAsync();
        await using DomainEventSubscription events = await remote.SubscribeAsync(cancellationToken: Token);
        await using DomainEventSubscription ends = await plain.SubscribeAsync(cancellationToken: Token);
        await using IAsyncEnumerator<DomainEvent> reader = events.GetAsyncEnumerator(Token), last = ends.GetAsyncEnumerator(Token);

        await fake.SendAsync(FakeQmp.Event("STOP"));
        await fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", """{"actual": 1048577}"""));
        await fake.SendAsync(FakeQmp.Event("RESET"));
        Assert.Equal(DomainLifecycleChange.Suspended, Assert.IsType<DomainLifecycleEvent>(await NextAsync(reader)).Change);
        Assert.Equal(1025u, Assert.IsType<BalloonChangeEvent>(await NextAsync(reader)).ActualKiB);
        DomainRebootEvent reboot = Assert.IsType<DomainRebootEvent>(await NextAsync(reader));
        Assert.Equal(session.Domain.Uuid, reboot.Domain.Uuid);
        for (int i = 0; i < 3; i++)
            _ = await NextAsync(last);

        server.DropClients();
        Assert.Equal(new EventsMissed(EventsMissedCause.ConnectionLost, null), await NextAsync(reader));
        LibvirtException lost = await Assert.ThrowsAsync<LibvirtException>(() => NextAsync(last));
        Assert.Equal((ErrorCode.SystemError, ErrorOrigin.Rpc), (lost.Code, lost.Origin));
        await Assert.ThrowsAsync<LibvirtException>(async () => await plain.ListDomainsAsync(cancellationToken: Token));
        Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));

        Task<DomainEvent> next = NextAsync(reader);
        while (!next.IsCompleted)
        {
            await fake.SendAsync(FakeQmp.Event("RESET"));
            await Task.WhenAny(next, Task.Delay(20, Token));
        }

        Assert.IsType<DomainRebootEvent>(await next);
    }

    [Fact]
    public async Task A_lease_on_collection_works_through_a_server()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Interval = 0;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using ServerFixture server = ServerFixture.Start(session.Connection);
        await using Connection remote = await server.ConnectAsync();
        Domain domain = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        await using (await domain.EnsurePeriodAsync(4, Token))
            Assert.Equal(4, fake.Guest.Interval);
        Assert.Equal(0, fake.Guest.Interval);
    }

    [Fact]
    public async Task A_call_that_gives_up_leaves_the_connection_standing()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using ServerFixture server = ServerFixture.Start(session.Connection);
        await using Connection remote = await server.ConnectAsync();
        Domain domain = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        TaskCompletionSource release = fake.Hold("query-status");
        int asked = fake.CountOf("query-status");
        using CancellationTokenSource cancel = new();
        Task<DomainStateInfo> stuck = domain.GetStateAsync(cancel.Token).AsTask();
        await fake.ReceivedAsync("query-status", asked + 1);
        Assert.Equal("hvm", await domain.GetOSTypeAsync(Token));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stuck.In());
        release.SetResult();
        Assert.Equal(DomainState.Running, (await domain.GetStateAsync(Token)).State);
    }

    private static async Task<DomainEvent> NextAsync(IAsyncEnumerator<DomainEvent> reader)
    {
        Assert.True(await reader.MoveNextAsync().In());
        return reader.Current;
    }
}
