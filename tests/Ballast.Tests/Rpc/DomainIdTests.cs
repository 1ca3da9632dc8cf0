using Ballast.Drivers;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Rpc;

/// <summary>libvirt's old calls, which list and count ids.</summary>
public sealed class DomainIdTests
{
    [Fact]
    public async Task An_id_by_which_no_domain_is_found_is_neither_listed_nor_counted()
    {
        await using ServerFixture server = ServerFixture.Start(new ManyDomains(3, firstId: 0).Open());
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath, authenticate: true, "test:///default");
        Assert.Equal(2, XdrReader.Read<NumberReply>((await client.CallAsync(RemoteProcedure.ConnectNumOfDomains, "")).Payload).Number);
        DomainIdsReply reply = XdrReader.Read<DomainIdsReply>((await client.CallAsync(RemoteProcedure.ConnectListDomains, $"{16:x8}")).Payload);
        Assert.Equal([1, 2], reply.Ids.Select(id => id.Id));
        reply = XdrReader.Read<DomainIdsReply>((await client.CallAsync(RemoteProcedure.ConnectListDomains, $"{1:x8}")).Payload);
        Assert.Equal([1], reply.Ids.Select(id => id.Id));
        await using Connection connection = await server.ConnectAsync();
        Assert.Equal(3, (await connection.ListDomainsAsync(cancellationToken: TestContext.Current.CancellationToken).In()).Count);
    }

    [Fact]
    public void Domains_of_the_same_id_are_in_the_order_of_their_names()
    {
        Assert.True(DomainOrder.Compare(0, "a", 0, "b") < 0);
        Assert.True(DomainOrder.Compare(0, "b", 0, "a") > 0);
        Assert.True(DomainOrder.Compare(1, "a", 0, "b") > 0);
        Assert.True(DomainOrder.Compare(null, "a", 1, "b") > 0);
        Assert.True(DomainOrder.Compare(null, "a", null, "b") < 0);
        Assert.Equal(0, DomainOrder.Compare(2, "a", 2, "a"));
    }
}
