using Ballast.Tests.Rpc;

namespace Ballast.Tests.Drivers;

/// <summary>When a connection is of no more use.</summary>
[Collection(TestDriverTests.Shared)]
public sealed class ConnectionClosedTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disposing_it_ends_it_without_an_error(bool isRemote)
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        Connection connection = isRemote ? await server.ConnectAsync() : await Connection.OpenAsync("test:///default", cancellationToken: Token);
        Task<LibvirtException?> closed = connection.Closed;
        Assert.False(closed.IsCompleted);
        await connection.DisposeAsync();
        Assert.Null(await closed.WaitAsync(TimeSpan.FromSeconds(15), Token));
        Assert.Null(await connection.Closed);
    }

    [Fact]
    public async Task A_lost_daemon_ends_it_with_the_reason_unless_it_is_opened_again()
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        await using Connection plain = await server.ConnectAsync(), again = await server.ConnectAsync(new ConnectionOptions { Reconnect = true });
        Task<LibvirtException?> closed = again.Closed;
        Assert.False(plain.Closed.IsCompleted);
        server.DropClients();
        LibvirtException? reason = await plain.Closed.WaitAsync(TimeSpan.FromSeconds(15), Token);
        Assert.Equal((ErrorCode.SystemError, ErrorOrigin.Rpc), (reason?.Code, reason?.Origin));
        Assert.False(plain.IsAlive);
        Assert.False(closed.IsCompleted);
        await plain.DisposeAsync();
        Assert.Same(reason, await plain.Closed);
    }
}
