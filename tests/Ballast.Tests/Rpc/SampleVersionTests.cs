using System.Buffers;
using Ballast.Drivers;
using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Tests.Rpc;

/// <summary>Newer and older programs of ours with each other: what one does not know, it keeps or skips, and goes on.</summary>
public sealed class SampleVersionTests
{
    // The last reason, and the options, of the first programs that had ours.
    private const ulong OldestLastReason = 15;
    private const uint OldestOptions = 1;

    private const int FirstFact = 0x42010000, LastFact = 0x4201ffff;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static DomainIdentity Vm => new("vm", new Guid(1, 2, 3, new byte[8]), 7);

    private static MemoryStatsFacts Facts => new()
    {
        Entries = [new(MemoryStatTag.ActualBalloon, 800), new(MemoryStatTag.Available, 1000), new(MemoryStatTag.Usable, 400), new((MemoryStatTag)4711, 5)],
        PeriodSeconds = 2,
        IsRunning = true,
        BalloonInUsedKiB = 200,
        IsFromBeforeReset = true,
        KnownFor = TimeSpan.FromSeconds(3),
    };

    public static TheoryData<int> Reasons => [.. Enum.GetValues<MemoryStatsReason>().Select(reason => (int)reason)];

    [Theory]
    [MemberData(nameof(Reasons))]
    public async Task An_older_client_is_sent_nothing_that_it_does_not_know(int reason)
    {
        await using ServerFixture server = ServerFixture.Start(new OneDomain { Facts = Facts with { Obstacle = (MemoryStatsReason)reason } }.Open());
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath);
        foreach (uint options in (uint[])[0, OldestOptions])
        {
            foreach (BallastProcedure procedure in (BallastProcedure[])[BallastProcedure.Sample, BallastProcedure.Refresh])
            {
                SampleRecord record = Assert.Single((await AskAsync(client, procedure, options)).Samples);
                Assert.True(record.Obstacle!.Value.Value <= OldestLastReason, $"it would end at reason {record.Obstacle.Value.Value}");
                Assert.Equal([6, 5, 8, 4711], record.Stats.Select(entry => entry.Tag));
            }
        }

        // Who understands facts is told the reason itself.
        SampleRecord anew = Assert.Single((await AskAsync(client, BallastProcedure.Sample, (uint)SampleFacts.Wanted)).Samples);
        Assert.Equal((ulong)reason, anew.Obstacle!.Value.Value);
        Assert.Equal(3, anew.Stats.Count(entry => entry.Tag is >= FirstFact and <= LastFact));
    }

    [Fact]
    public async Task Options_of_a_newer_client_are_ignored()
    {
        await using ServerFixture server = ServerFixture.Start(new OneDomain { Facts = Facts }.Open());
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath);
        for (int bit = 0; bit < 32; bit++)
            Assert.Equal("vm", Assert.Single((await AskAsync(client, BallastProcedure.Sample, 1u << bit)).Samples).Dom.Name);
        Assert.Single((await AskAsync(client, BallastProcedure.Sample, uint.MaxValue)).Samples);
    }

    [Fact]
    public async Task A_client_knows_less_of_an_older_server_and_nothing_wrong()
    {
        await using ServerFixture server = ServerFixture.Start(
            new OneDomain { Facts = Facts with { IsFromBeforeReset = false } }.Open(),
            wrap: inner => new OtherServer(inner, record => record with { Stats = [.. record.Stats.Where(entry => entry.Tag is < FirstFact or > LastFact)] }));
        await using Connection remote = await server.ConnectAsync();
        foreach (MemoryStats sample in await SamplesAsync(remote))
        {
            Assert.Equal((800u, 600u, UsedMemoryFormula.AvailableMinusUsable), (sample.ActualKiB, sample.Used!.Value.KiB, sample.Used.Value.Formula));
            Assert.Equal([6, 5, 8, 4711], sample.Entries.Select(entry => (int)entry.Tag));
        }
    }

    [Fact]
    public async Task What_only_a_newer_server_knows_is_kept_as_a_number_or_skipped()
    {
        MemoryStatEntry[] newer =
        [
            new() { Tag = FirstFact + 4, Value = ulong.MaxValue }, new() { Tag = FirstFact + 5, Value = ulong.MaxValue }, new() { Tag = FirstFact + 99, Value = 0 }, new() { Tag = LastFact, Value = 1 },
            new() { Tag = 13, Value = 42 }, new() { Tag = -5, Value = 43 }, new() { Tag = int.MaxValue, Value = 44 },
        ];
        await using ServerFixture server = ServerFixture.Start(
            new OneDomain { Facts = Facts with { IsFromBeforeReset = false } }.Open(),
            wrap: inner => new OtherServer(inner, record => record with
            {
                Stats = [.. newer, .. record.Stats],
                Obstacle = new OptionalNumber { Value = 4711 },
                HostSideMissing = new OptionalNumber { Value = int.MaxValue },
                Rejected = uint.MaxValue,
            }));
        await using Connection remote = await server.ConnectAsync();
        foreach (MemoryStats sample in await SamplesAsync(remote))
        {
            Assert.Equal(((MemoryStatsReason)4711, "reason 4711"), (sample.Reason, sample.Reason.Label()));
            Assert.Contains("Update this program", sample.Reason.Remedy("vm"), StringComparison.Ordinal);
            Assert.Equal([13, -5, int.MaxValue, 6, 5, 8, 4711], sample.Entries.Select(entry => (int)entry.Tag));
            Assert.Equal((400u, 200u), (sample.Used!.Value.KiB, sample.Facts.BalloonInUsedKiB));
        }
    }

    [Fact]
    public async Task Why_a_guest_does_not_run_arrives_and_an_unknown_cause_tells_nothing()
    {
        foreach (PauseCause cause in (PauseCause[])[.. Enum.GetValues<PauseCause>(), PauseCause.Replicating + 1, (PauseCause)int.MaxValue])
        {
            await using ServerFixture server = ServerFixture.Start(new OneDomain { Facts = Facts with { IsRunning = false, PauseCause = cause } }.Open());
            await using Connection remote = await server.ConnectAsync();
            foreach (MemoryStats sample in await SamplesAsync(remote))
                Assert.Equal((MemoryStatsReason.Paused, Enum.IsDefined(cause) ? cause : PauseCause.Unknown), (sample.Reason, sample.PauseCause));
        }
    }

    [Theory]
    [InlineData(null, 800ul, false)]
    [InlineData(800ul, 800ul, false)]
    [InlineData(500ul, 500ul, true)]
    [InlineData(0ul, null, true)]
    public async Task The_balloons_size_when_the_guest_reported_arrives(ulong? then, ulong? told, bool hasMoved)
    {
        await using ServerFixture server = ServerFixture.Start(new OneDomain { Facts = Facts with { ActualAtReportKiB = then } }.Open());
        await using Connection remote = await server.ConnectAsync();
        foreach (MemoryStats sample in await SamplesAsync(remote))
            Assert.Equal((800ul, told, hasMoved), (sample.ActualKiB, sample.ActualAtReportKiB, sample.HasBalloonMoved));
    }

    [Fact]
    public async Task What_a_guest_does_instead_of_running_arrives()
    {
        foreach (DomainStateInfo state in (DomainStateInfo[])[new(DomainState.Crashed, 1), new(DomainState.Paused, 13), new((DomainState)99, -1)])
        {
            await using ServerFixture server = ServerFixture.Start(new OneDomain { Facts = Facts with { IsRunning = false, State = state } }.Open());
            await using Connection remote = await server.ConnectAsync();
            foreach (MemoryStats sample in await SamplesAsync(remote))
                Assert.Equal((MemoryStatsReason.Paused, state), (sample.Reason, sample.State));
        }
    }

    [Fact]
    public async Task A_value_that_cannot_be_true_is_rejected_here_too()
    {
        await using ServerFixture server = ServerFixture.Start(
            new OneDomain { Facts = Facts with { Entries = [.. Facts.Entries.Where(entry => entry.Tag != MemoryStatTag.ActualBalloon), new(MemoryStatTag.ActualBalloon, 18014381329874948)] } }.Open());
        await using Connection remote = await server.ConnectAsync();
        foreach (MemoryStats sample in await SamplesAsync(remote))
            Assert.Equal(((ulong?)null, (MemoryStatsReason?)MemoryStatsReason.RejectedValue), (sample.ActualKiB, sample.WhyMissing(MemoryStatTag.ActualBalloon)));
    }

    [Fact]
    public async Task What_was_rejected_arrives_whatever_its_tag()
    {
        MemoryStatTag[] tags =
        [
            MemoryStatTag.SwapIn, MemoryStatTag.HugetlbPgFail, (MemoryStatTag)15, (MemoryStatTag)16, (MemoryStatTag)31,
            MemoryStatTag.OomKills, MemoryStatTag.DirectReclaims, MemoryStatTag.OomKills + 15, MemoryStatTag.OomKills + 16, MemoryStatTag.OomKills + 31,
        ];
        foreach (MemoryStatTag tag in tags)
        {
            await using ServerFixture server = ServerFixture.Start(
                new OneDomain { Facts = Facts with { IsFromBeforeReset = false, Rejected = default(MemoryStatTagSet).With(tag) } }.Open());
            await using Connection remote = await server.ConnectAsync();
            foreach (MemoryStats sample in await SamplesAsync(remote))
            {
                Assert.Equal(MemoryStatsReason.RejectedValue, sample.WhyMissing(tag));
                Assert.Equal([tag], tags.Where(sample.Facts.Rejected.Contains));
            }
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(10)]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task A_procedure_of_tomorrow_is_unknown_by_number_and_the_connection_stands(int procedure)
    {
        await using ServerFixture server = ServerFixture.Start(new OneDomain { Facts = Facts }.Open());
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath);
        await client.SendAsync(new RpcHeader(RpcPrograms.Ballast, 1, procedure, RpcType.Call, 90, RpcStatus.Ok), "00000000");
        LibvirtException error = RawClient.Error(await client.ReceiveAsync());
        Assert.Equal((ErrorCode.Rpc, ErrorOrigin.Rpc), (error.Code, error.Origin));
        Assert.Single((await AskAsync(client, BallastProcedure.Sample, 0)).Samples);
    }

    /// <summary>By every way on which samples come.</summary>
    private static async Task<List<MemoryStats>> SamplesAsync(Connection remote)
    {
        Domain domain = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        List<MemoryStats> samples =
        [
            await domain.GetMemoryStatsAsync(cancellationToken: Token),
            await domain.RefreshMemoryStatsAsync(cancellationToken: Token),
            .. (await remote.GetAllMemoryStatsAsync(cancellationToken: Token)).Select(sample => sample.Stats),
        ];
        await foreach (DomainMemorySample sample in remote.WatchMemoryStatsAsync(TimeSpan.FromHours(1), cancellationToken: Token))
        {
            samples.Add(sample.Stats);
            break;
        }

        Assert.Equal(4, samples.Count);
        return samples;
    }

    private static async Task<SamplesReply> AskAsync(RawClient client, BallastProcedure procedure, uint options)
    {
        ArrayBufferWriter<byte> arguments = new();
        RemoteDomain domain = new() { Name = Vm.Name, Uuid = Vm.Uuid, Id = 7 };
        if (procedure == BallastProcedure.Sample)
            XdrWriter.Write(arguments, new SampleArgs { Doms = [domain], Options = options });
        else
            XdrWriter.Write(arguments, new RefreshArgs { Dom = domain, Options = options });
        await client.SendAsync(new RpcHeader(RpcPrograms.Ballast, 1, (int)procedure, RpcType.Call, 77, RpcStatus.Ok), Convert.ToHexString(arguments.WrittenSpan));
        (RpcHeader header, byte[] payload) = await client.ReceiveAsync();
        Assert.Equal(RpcStatus.Ok, header.Status);
        return XdrReader.Read<SamplesReply>(payload);
    }

    /// <summary>A server of another version, which sends other records; its watch sends one and no more.</summary>
    private sealed class OtherServer(IRpcSession inner, Func<SampleRecord, SampleRecord> change) : IRpcSession
    {
        public bool IsAuthenticated => inner.IsAuthenticated;

        public bool TryHandle(in RpcHeader header, ReadOnlySpan<byte> arguments, RpcServerConnection client, out ValueTask answered)
        {
            if (header.Program != RpcPrograms.Ballast)
                return inner.TryHandle(header, arguments, client, out answered);
            RemoteDomain domain = new() { Name = Vm.Name, Uuid = Vm.Uuid, Id = 7 };
            SampleRecord record = change(SampleRecord.From(domain, Facts with { IsFromBeforeReset = false }, DateTimeOffset.UtcNow, SampleFacts.Wanted));
            answered = (BallastProcedure)header.Procedure switch
            {
                BallastProcedure.Watch => WatchAsync(header, XdrReader.Read<WatchArgs>(arguments).Watch),
                BallastProcedure.Unwatch => client.ReplyAsync(header, default(Nothing)),
                _ => client.ReplyAsync(header, new SamplesReply { Samples = [record] }),
            };
            return true;

            async ValueTask WatchAsync(RpcHeader call, int watch)
            {
                await client.ReplyAsync(call, default(Nothing));
                await client.SendEventAsync(RpcPrograms.Ballast, (int)BallastProcedure.WatchSamples, new WatchSamplesEvent { Watch = watch, Samples = [record] });

                // An event that only it knows.
                await client.SendEventAsync(RpcPrograms.Ballast, 99, new NumberReply { Number = 1 });
            }
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class OneDomain : IDriver
    {
        public required MemoryStatsFacts Facts { get; init; }

        public string Type => "FAKE";

        public Connection Open() => new(this, "fake:///", new ConnectionOptions());

        public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken) => new([Vm]);

        public ValueTask<MemoryStats> SampleMemoryAsync(DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
            new(Facts.ToSample(DateTimeOffset.UtcNow));

        public ValueTask<MemoryStats> RefreshMemoryAsync(DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
            SampleMemoryAsync(domain, options, cancellationToken);

        public ValueTask DisposeAsync() => default;
    }
}
