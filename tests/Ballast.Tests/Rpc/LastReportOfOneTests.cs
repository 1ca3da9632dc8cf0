using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Rpc;

/// <summary>The last report is kept through a daemon, however many guests are asked for.</summary>
public sealed class LastReportOfOneTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_guest_that_cannot_be_asked_shows_its_last_report_as_several_do()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using ServerFixture server = ServerFixture.Start(await FakeSession.ConnectAsync(fake));
        await using Connection remote = await server.ConnectAsync();
        Domain domain = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        Assert.NotNull(Assert.Single(await remote.GetMemoryStatsAsync([domain], cancellationToken: Token)).Stats.AvailableKiB);

        fake.On("guest-stats", FakeQmp.Return("[]"));
        MemoryStats alone = Assert.Single(await remote.GetMemoryStatsAsync([domain], cancellationToken: Token)).Stats;
        MemoryStats amongAll = Assert.Single(await remote.GetAllMemoryStatsAsync(cancellationToken: Token)).Stats;

        foreach (MemoryStats sample in (MemoryStats[])[alone, amongAll])
        {
            Assert.Equal(MemoryStatsReason.ConnectionLost, sample.Reason);
            Assert.Equal(60ul * 1024, sample.AvailableKiB);
            Assert.NotNull(sample.Age);
        }

        // Who asks for one sample alone is told the error, as before.
        _ = await domain.GetMemoryStatsAsync(cancellationToken: Token).AsTask().FailsAsync(ErrorCode.SystemError);
    }

    [Fact]
    public async Task A_daemon_that_answers_with_the_error_costs_no_error()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using ServerFixture server = ServerFixture.Start(await FakeSession.ConnectAsync(fake), wrap: session => new Older(session));
        await using Connection remote = await server.ConnectAsync();
        Domain domain = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        fake.On("guest-stats", FakeQmp.Return("[]"));

        Assert.Equal(MemoryStatsReason.ConnectionLost, Assert.Single(await remote.GetMemoryStatsAsync([domain], cancellationToken: Token)).Stats.Reason);
    }
    /// <summary>A daemon that does not know the option: the last member of the question, of which this takes the bit away.</summary>
    private sealed class Older(IRpcSession inner) : IRpcSession
    {
        public bool IsAuthenticated => inner.IsAuthenticated;

        public bool TryHandle(in RpcHeader header, ReadOnlySpan<byte> arguments, RpcServerConnection client, out ValueTask answered)
        {
            byte[] asked = arguments.ToArray();
            if (header is { Program: RpcPrograms.Ballast, Procedure: (int)BallastProcedure.Sample })
                asked[^4] &= unchecked((byte)~((uint)SampleFacts.AsOneOfMany >> 24));
            return inner.TryHandle(header, asked, client, out answered);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
