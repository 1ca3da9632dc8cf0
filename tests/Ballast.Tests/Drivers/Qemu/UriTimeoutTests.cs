using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class UriTimeoutTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("timeout=2s", 2000)]
    [InlineData("timeout=500ms", 500)]
    [InlineData("timeout=3", 3000)]
    [InlineData("timeout=0.25s", 250)]
    [InlineData("timeout=1ms", 1)]
    [InlineData("TIMEOUT=2s", 2000)]
    [InlineData("timeout=9s&timeout=1s", 1000)]
    [InlineData("timeout=9s;timeout=1s", 1000)]
    [InlineData("", 7000)]
    public async Task A_deadline_may_be_part_of_the_uri(string query, int milliseconds)
    {
        await using FakeQmp fake = FakeQmp.Start(greeting: null);
        FakeTimeProvider time = new();
        ConnectionOptions options = new() { TimeProvider = time, Timeout = TimeSpan.FromSeconds(7) };
        Task<Connection> opening = Connection.OpenAsync($"{fake.Uri}?{query}", options, Token).In();
        await fake.ConnectedAsync();
        time.Advance(TimeSpan.FromMilliseconds(milliseconds - 1));
        Assert.False(opening.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));

        await opening.FailsAsync(ErrorCode.OperationTimeout);
    }

    [Theory]
    [InlineData("timeout=")]
    [InlineData("timeout")]
    [InlineData("timeout=s")]
    [InlineData("timeout=0")]
    [InlineData("timeout=0.0001ms")]
    [InlineData("timeout=-1s")]
    [InlineData("timeout=1h")]
    [InlineData("timeout=1 s")]
    [InlineData("timeout=%201s")]
    [InlineData("timeout=1e3")]
    [InlineData("timeout=1,5s")]
    [InlineData("timeout=NaN")]
    [InlineData("timeout=Infinity")]
    [InlineData("timeout=86401s")]
    [InlineData("timeout=99999999999999999999999999999999999")]
    [InlineData("time=2s")]
    [InlineData("timeout=2s&no_verify=1")]
    public async Task A_parameter_that_makes_no_sense_is_refused_before_anybody_is_connected_to(string query)
    {
        await using FakeQmp fake = FakeQmp.Start();

        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(() => Connection.OpenAsync($"{fake.Uri}?{query}", cancellationToken: Token).In());

        Assert.Contains(error.Code, (ErrorCode[])[ErrorCode.InvalidArgument, ErrorCode.InternalError]);
        Assert.Equal(0, fake.Clients);
    }
}
