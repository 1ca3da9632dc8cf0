using Ballast.Drivers;
using Ballast.Rpc.Messages;

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
        Group = new MemoryGroup(null, 8, 9) { UnreclaimableKiB = 7 },
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
        Group = new MemoryGroup(6, null, null),
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

    [Fact]
    public void Numbers_of_a_newer_or_hostile_daemon_are_skipped_or_bounded()
    {
        NumberedFact[] facts = [.. Enumerable.Range(0, 60).Select(fact => new NumberedFact { Fact = fact, Value = ulong.MaxValue })];
        HostMemory host = HostMemoryFacts.ToHost(facts);
        Assert.Equal((MemoryStatsReason.Fresh, ulong.MaxValue, null), (host.Reason, host.TotalKiB, host.SomePressure));
        Assert.Null(HostMemoryFacts.ToProcess(facts, null).RunTime);
        Assert.Equal(new HostMemory(), HostMemoryFacts.ToHost([]));
    }

    private sealed class TwoDomains : IDriver
    {
        private static readonly DomainIdentity One = new("one", new Guid(1, 2, 3, new byte[8]), 7), Other = new("other", new Guid(1, 2, 4, new byte[8]), 8);

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
            IReadOnlyList<DomainIdentity> domains, CancellationToken cancellationToken) =>
            new([.. domains.Select(domain => new DriverProcessMemory(
                domain, domain.Name == "one" ? Process : new ProcessMemory { Reason = MemoryStatsReason.PermissionDenied }))]);

        public ValueTask DisposeAsync() => default;
    }
}
