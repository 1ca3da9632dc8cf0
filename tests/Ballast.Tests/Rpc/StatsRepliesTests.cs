using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;

namespace Ballast.Tests.Rpc;

/// <summary>Answers with bulk statistics fit into a message, whatever one QEMU tells of itself.</summary>
[Collection(Drivers.TestDriverTests.Shared)]
public sealed class StatsRepliesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_record_that_is_too_long_costs_the_others_nothing()
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync("test", Token);
        DomainStatsRecord Record(int disks) => new(domain,
        [
            TypedParameter.Int("state.state", 1),
            .. Enumerable.Range(0, disks).Select(i => TypedParameter.String($"block.{i}.path", new string('ü', 100))),
        ]);

        AllStatsReply all = StatsReplies.Of([Record(3), Record(1000), Record(4), Record(2000)], mostBytes: 10_000);

        Assert.Equal([4, 1, 5, 1], all.RetStats.Select(record => record.Params.Length));
        Assert.All(all.RetStats, record => Assert.Equal("state.state", record.Params[0].Field));
        Assert.Equal(2001, StatsReplies.Of([Record(2000)]).RetStats[0].Params.Length);
    }
}
