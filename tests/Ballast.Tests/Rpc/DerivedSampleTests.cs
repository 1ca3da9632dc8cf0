using Ballast.Drivers;
using Ballast.Drivers.Remote;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>Samples over a daemon that speaks libvirt's protocol only.</summary>
public sealed class DerivedSampleTests
{
    private static readonly FakeTimeProvider Time = new(DateTimeOffset.FromUnixTimeSeconds(2_000_000_000));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static DomainStateInfo Running => new(DomainState.Running, 1);

    private static DomainIdentity Vm => new("vm", new Guid(1, 2, 3, new byte[8]), 7);

    [Fact]
    public async Task Where_the_monitor_is_silent_the_last_numbers_are_shown_with_their_age()
    {
        SilentDriver driver = new() { LastUpdate = (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds() };
        await using ServerFixture server = ServerFixture.Start(driver.Open(), wrap: inner => new PlainLibvirt(inner, hasOldProgram: false));
        await using Connection remote = await server.ConnectAsync();
        Domain domain = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        MemoryStats well = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal((MemoryStatsReason.Fresh, 900_000u, TimeSpan.FromSeconds(5)), (well.Reason, well.AvailableKiB, well.Period));

        driver.IsSilent = true;
        for (int i = 0; i < 2; i++)
        {
            MemoryStats last = await domain.GetMemoryStatsAsync(cancellationToken: Token);
            Assert.Equal((MemoryStatsReason.MonitorHung, 900_000u, TimeSpan.FromSeconds(5)), (last.Reason, last.AvailableKiB, last.Period));
            Assert.Contains("cannot acquire state change lock", last.Detail, StringComparison.Ordinal);
            Assert.NotNull(last.Age);
            Assert.Equal(MemoryStatsReason.MonitorHung, Assert.Single(await remote.GetAllMemoryStatsAsync(cancellationToken: Token)).Stats.Reason);
        }

        driver.IsSilent = false;
        Assert.Equal(MemoryStatsReason.Fresh, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
    }

    [Fact]
    public async Task Where_nothing_was_known_it_says_why()
    {
        SilentDriver driver = new() { IsSilent = true };
        await using ServerFixture server = ServerFixture.Start(driver.Open(), wrap: inner => new PlainLibvirt(inner, hasOldProgram: false));
        await using Connection remote = await server.ConnectAsync();
        MemoryStats sample = await Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token)).GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal((MemoryStatsReason.MonitorHung, 0, (TimeSpan?)null), (sample.Reason, sample.Entries.Count, sample.Age));
        Assert.Equal(MemoryStatsReason.MonitorHung, sample.WhyMissing(MemoryStatTag.Rss));
    }

    [Fact]
    public void Last_numbers_grow_older_by_our_own_clock_and_are_those_of_one_process()
    {
        FakeTimeProvider time = new(Time.GetUtcNow());
        DerivedSamples derived = new(time, sharesClock: false);
        LibvirtException silent = LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Qemu, "silent");
        LibvirtDomainXml xml = new(Xml("<memballoon model='virtio'>\n      <stats period='5'/>"));

        // The daemon's host has another time: what counts is when the report was seen to change.
        _ = derived.Learn(Vm, Report(1000), time.GetTimestamp(), Running, xml);
        _ = derived.Learn(Vm, Report(1005), time.GetTimestamp(), Running, xml);
        time.Advance(TimeSpan.FromSeconds(40));
        MemoryStats last = derived.LastOf(Vm, silent);
        Assert.Equal((TimeSpan.FromSeconds(40), Freshness.Stale, 900_000u), (last.Age!.Value, last.Freshness, last.AvailableKiB));

        Assert.Empty(derived.LastOf(Vm with { Id = 8 }, silent).Entries);
        Assert.Empty(derived.LastOf(Vm with { Uuid = Guid.NewGuid() }, silent).Entries);
    }

    [Fact]
    public void However_many_domains_there_were_only_so_many_are_kept()
    {
        DerivedSamples derived = new(Time, sharesClock: false);
        for (int i = 0; i < 40_000; i++)
            _ = derived.Learn(new DomainIdentity("vm", new Guid(i, 0, 0, new byte[8]), 1), [], 0, Running, null);
        LibvirtException silent = LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Qemu, "silent");
        int kept = Enumerable.Range(0, 40_000).Count(i => derived.LastOf(new DomainIdentity("vm", new Guid(i, 0, 0, new byte[8]), 1), silent).WhyMissing(MemoryStatTag.Rss) == MemoryStatsReason.UnsupportedByDaemon);
        Assert.InRange(kept, 1, 16_384);
    }

    [Theory]

    // With the feature the guest sees all its memory; without it, Linux takes the balloon off, and Windows does not.
    [InlineData("<memballoon model='virtio' autodeflate='on'>", 1_000_000, true, 200_000)]
    [InlineData("<memballoon model='virtio' autodeflate='on' freePageReporting='on'>", 1_000_000, true, 200_000)]
    [InlineData("<memballoon model='virtio' autodeflate='off'>", 850_000, true, 0)]
    [InlineData("<memballoon model='virtio'>", 780_000, true, 0)]
    [InlineData("<memballoon model='virtio'>", 1_000_000, false, 200_000)]
    [InlineData("<memballoon model='virtio'>", 780_000, false, 0)]
    public void What_the_balloon_held_when_the_guest_reported_is_not_used(string balloon, ulong available, bool isLinux, ulong held)
    {
        DerivedSamples derived = new(new FakeTimeProvider(Time.GetUtcNow()), sharesClock: true);
        LibvirtDomainXml xml = new(Xml(balloon));
        MemoryStats sample = derived.Learn(Vm, Report(2_000_000_000, available, actual: 800_000, isLinux), 0, Running, xml);
        Assert.Equal(available - 400_000 - held, sample.Used!.Value.KiB);

        // The balloon moved since; the guest's numbers did not.
        sample = derived.Learn(Vm, Report(2_000_000_000, available, actual: 1_000_000, isLinux), 0, Running, xml);
        Assert.Equal(available - 400_000 - held, sample.Used!.Value.KiB);
        sample = derived.Learn(Vm, Report(2_000_000_005, available, actual: 1_000_000, isLinux), 0, Running, xml);
        Assert.Equal(available - 400_000, sample.Used!.Value.KiB);
    }

    [Theory]
    [InlineData("<memory unit='KiB'>1000000</memory>", 1_000_000ul)]
    [InlineData("<memory dumpCore='on' unit='KiB'>1000000</memory>", 1_000_000ul)]
    [InlineData("<maxMemory slots='16' unit='KiB'>9000000</maxMemory>\n  <memory unit='KiB'>1000000</memory>\n  <currentMemory unit='KiB'>5</currentMemory>", 1_000_000ul)]
    [InlineData("<memory unit='GiB'>1</memory>", null)]
    [InlineData("<memory unit='KiB'>99999999999999999999</memory>", null)]
    [InlineData("<memory>-1</memory>", null)]
    [InlineData("", null)]
    public void The_size_is_what_the_xml_says(string memory, ulong? kib) =>
        Assert.Equal(kib, new LibvirtDomainXml($"<domain type='qemu'>\n  <name>vm</name>\n  {memory}\n</domain>").MaximumKiB);

    [Fact]
    public void What_users_wrote_into_the_xml_is_not_taken_for_libvirts_own()
    {
        const string liar =
            "<memory unit='KiB'>5</memory><memballoon model='none'/><memballoon model='virtio' autodeflate='on'><stats period='77'/></memballoon>";
        const string metadata = $"<metadata>\n    <a:b xmlns:a='urn:a'>{liar}<metadata>{liar}</metadata>{liar}</a:b>\n  </metadata>\n  ";
        LibvirtDomainXml xml = new(Xml("<memballoon model='virtio'>\n      <stats period='5'/>").Replace("<memory", metadata + "<memory", StringComparison.Ordinal));
        Assert.Equal((5, 1_000_000ul, false, false), (xml.PeriodSeconds, xml.MaximumKiB, xml.HasNoBalloon, xml.DeflatesOnOom));
        Assert.True(new LibvirtDomainXml("<memballoon model='none'/>").HasNoBalloon);
        Assert.Equal(0, new LibvirtDomainXml(Xml("<memballoon model='virtio'>")).PeriodSeconds);
    }

    private static string Xml(string balloon) =>
        $"<domain type='qemu' id='7'>\n  <name>vm</name>\n  <memory unit='KiB'>1000000</memory>\n  <devices>\n    {balloon}\n    </memballoon>\n  </devices>\n</domain>\n";

    private static MemoryStat[] Report(ulong lastUpdate, ulong available = 900_000, ulong actual = 1_000_000, bool isLinux = true)
    {
        MemoryStat[] report =
        [
            new(MemoryStatTag.ActualBalloon, actual), new(MemoryStatTag.Available, available), new(MemoryStatTag.Usable, 400_000),
            new(MemoryStatTag.LastUpdate, lastUpdate), new(MemoryStatTag.Rss, 1),
        ];
        return isLinux ? [.. report, new(MemoryStatTag.HugetlbPgAlloc, 0)] : report;
    }

    /// <summary>One domain, as libvirtd has it: where its QEMU is silent, an error says so.</summary>
    private sealed class SilentDriver : IDriver
    {
        public string Type => "QEMU";

        public bool IsSilent { get; set; }

        public ulong LastUpdate { get; init; } = 1000;

        public Connection Open() => new(this, "fake:///", new ConnectionOptions());

        public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken) => new([Vm]);

        public ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) => new(new DomainStateInfo(DomainState.Running, 1));

        public ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken) =>
            new(Xml("<memballoon model='virtio'>\n      <stats period='5'/>"));

        public ValueTask<int> GetMemoryStatsAsync(DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken)
        {
            if (IsSilent)
            {
                return ValueTask.FromException<int>(LibvirtError.Report(
                    ErrorCode.OperationTimeout, ErrorOrigin.Qemu, "cannot acquire state change lock (held by monitor=remoteDispatchDomainMemoryStats)"));
            }

            Report(LastUpdate).CopyTo(stats);
            return new(Report(LastUpdate).Length);
        }

        public ValueTask DisposeAsync() => default;
    }
}
