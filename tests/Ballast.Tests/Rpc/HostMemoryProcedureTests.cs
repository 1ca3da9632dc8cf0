using Ballast.Drivers;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Tests.Drivers.Qemu;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>The host's side of memory through a daemon of ours, and one of libvirt's.</summary>
public sealed class HostMemoryProcedureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static HostMemory Host => new()
    {
        Reason = MemoryStatsReason.Fresh,
        TotalKiB = 1,
        FreeKiB = 2,
        AvailableKiB = 3,
        SwapTotalKiB = 0,
        SwapFreeKiB = 5,
        MergedKiB = 6,
        SomePressure = new MemoryPressure(0.25, 0.5, 1, TimeSpan.FromMilliseconds(6)),
        FullPressure = new MemoryPressure(0, 0.125, 0.75, TimeSpan.FromHours(7)),
        Group = new MemoryGroup(null, 8, 9) { UnreclaimableKiB = 7, HasUnknownLimits = true, NearestLimit = new MemoryGroupLimit(1, 10, null, null) },
    };

    private static ProcessMemory Process => new()
    {
        Reason = MemoryStatsReason.Fresh,
        SwappedKiB = 0,
        LockedKiB = 1,
        PinnedKiB = 2,
        HugePagesKiB = 3,
        MergedKiB = 4,
        ReportsFreePages = true,
        DeflatesOnOom = false,
        RunTime = TimeSpan.FromSeconds(5),
        GroupPath = "/vms",
        Group = new MemoryGroup(6, null, null) { NearestLimit = new MemoryGroupLimit(0, 6, 5, new MemoryGroupLimit(2, 8, null, new MemoryGroupLimit(31, 9, 0, null))) },
    };

    [Fact]
    public async Task All_that_is_known_arrives_and_what_is_not_known_stays_unknown()
    {
        TwoDomains driver = new();
        await using ServerFixture server = ServerFixture.Start(new Connection(driver, "fake:///", new ConnectionOptions()));
        await using Connection remote = await server.ConnectAsync();
        Assert.Equal(Host, await remote.GetHostMemoryAsync("vms", Token));
        Assert.Equal("vms", driver.Group);
        Assert.Equal(Host with { Group = null }, await remote.GetHostMemoryAsync(cancellationToken: Token));

        IReadOnlyList<DomainProcessMemory> found = await remote.GetProcessMemoryAsync(await remote.ListDomainsAsync(cancellationToken: Token), Token);
        Assert.Equal([("one", Process), ("other", new ProcessMemory { Reason = MemoryStatsReason.PermissionDenied })], found.Select(one => (one.Domain.Name, one.Memory)));
        Assert.Empty(await remote.GetProcessMemoryAsync([], Token));
        Assert.Equal(OwnVersion.Text, await remote.GetDaemonVersionAsync(Token));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_a_daemon_has_no_word_for_it_the_reason_says_so(bool hasOldProgram)
    {
        await using ServerFixture server = ServerFixture.Start(
            new Connection(new TwoDomains(), "fake:///", new ConnectionOptions()), wrap: inner => new PlainLibvirt(inner, hasOldProgram));
        await using Connection remote = await server.ConnectAsync();
        Assert.Equal(
            new HostMemory { Reason = MemoryStatsReason.UnsupportedByDaemon, TotalKiB = 100, FreeKiB = 10, AvailableKiB = 33 },
            await remote.GetHostMemoryAsync("vms", Token));
        Assert.Null(await remote.GetDaemonVersionAsync(Token));
        Assert.All(
            await remote.GetProcessMemoryAsync(await remote.ListDomainsAsync(cancellationToken: Token), Token),
            one => Assert.Equal(new ProcessMemory { Reason = MemoryStatsReason.UnsupportedByDaemon }, one.Memory));
    }

    /// <summary>Each such call reads some files of every QEMU.</summary>
    [Fact]
    public async Task Readers_of_one_user_ask_for_processes_memory_in_rounds()
    {
        const int calls = 20;
        TwoDomains driver = new();
        FakeTimeProvider clock = new();
        LibvirtServer server = new([("fake:///", new Connection(driver, "fake:///", new ConnectionOptions()))], new LibvirtServerOptions { TimeProvider = clock });
        await using PipedClient reader = await PipedClient.OpenAsync(server, "fake:///", isReadOnly: true, uid: 1000);
        string one = Domain("one", 4), other = Domain("other", 5);
        byte[] call = Frames.Of(
            new RpcHeader(RpcPrograms.Ballast, RpcPrograms.Version, (int)BallastProcedure.ProcessMemory, RpcType.Call, 1, RpcStatus.Ok),
            Convert.FromHexString($"00000002{one}{other}"));
        for (int i = 0; i < calls; i++)
            reader.Send(call);
        for (int i = 0; i < ReaderPace.AtOnce; i++)
            Assert.Equal(RpcStatus.Ok, Frames.Header((await reader.ReceiveAsync().In())!).Status);
        await Task.Delay(TimeSpan.FromMilliseconds(200), Token);
        Assert.Equal(ReaderPace.AtOnce, driver.Asked);

        // All that wait share the next one.
        Task rest = ReceiveRestAsync();
        while (!rest.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Delay(5, Token);
        }

        await rest;
        Assert.InRange(driver.Asked, ReaderPace.AtOnce + 1, ReaderPace.AtOnce + 3);

        async Task ReceiveRestAsync()
        {
            for (int i = ReaderPace.AtOnce; i < calls; i++)
                Assert.Equal(RpcStatus.Ok, Frames.Header((await reader.ReceiveAsync().In())!).Status);
        }

        static string Domain(string name, int last) => PipedClient.Text(name) + $"00000001000200{last:x2}0000000000000000" + "ffffffff";
    }

    [Fact]
    public void Numbers_of_a_newer_or_hostile_daemon_are_skipped_or_bounded()
    {
        NumberedFact[] facts = [.. Enumerable.Range(0, 60).Select(fact => new NumberedFact { Fact = fact, Value = ulong.MaxValue })];
        HostMemory host = HostMemoryFacts.ToHost(facts);
        Assert.Equal((MemoryStatsReason.Fresh, ulong.MaxValue, null), (host.Reason, host.TotalKiB, host.SomePressure));
        Assert.Null(HostMemoryFacts.ToProcess(facts, null).RunTime);
        Assert.Equal(new HostMemory(), HostMemoryFacts.ToHost([]));

        // Of deeper groups than there are, nothing is taken; an older daemon tells a limit, and not where it is set.
        facts = [.. Enumerable.Range(0, 1000).Select(fact => new NumberedFact { Fact = fact, Value = (ulong)fact })];
        MemoryGroupLimit? limit = HostMemoryFacts.ToProcess(facts, "/a").Group!.Value.NearestLimit;
        for (int levels = 0; levels < 32; levels++, limit = limit.Next)
            Assert.Equal((levels, 100ul + (2 * (ulong)levels), 101ul + (2 * (ulong)levels)), (limit!.Levels, limit.LimitKiB, limit.UnreclaimableKiB!.Value));
        Assert.Null(limit);
        Assert.Null(HostMemoryFacts.ToProcess(facts[..60], "/a").Group!.Value.NearestLimit);
    }

    private sealed class TwoDomains : IDriver
    {
        private static readonly DomainIdentity One = new("one", new Guid(1, 2, 3, new byte[8]), 7), Other = new("other", new Guid(1, 2, 4, new byte[8]), 8);

        private int _asked;

        public int Asked => Volatile.Read(ref _asked);

        public string? Group { get; private set; }

        public string Type => "FAKE";

        public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken) => new([One, Other]);

        public ValueTask<IReadOnlyList<NodeStat>> GetNodeMemoryStatsAsync(int cell, CancellationToken cancellationToken) =>
            new([new("total", 100), new("free", 10), new("buffers", 20), new("cached", 3)]);

        public ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup, CancellationToken cancellationToken)
        {
            Group = controlGroup;
            return new(controlGroup is null ? Host with { Group = null } : Host);
        }

        public ValueTask<IReadOnlyList<DriverProcessMemory>> GetProcessMemoryAsync(
            IReadOnlyList<DomainIdentity> domains, CancellationToken cancellationToken)
        {
            _ = Interlocked.Increment(ref _asked);
            return new([.. domains.Select(domain => new DriverProcessMemory(
                domain, domain.Name == "one" ? Process : new ProcessMemory { Reason = MemoryStatsReason.PermissionDenied }))]);
        }

        public ValueTask DisposeAsync() => default;
    }
}
