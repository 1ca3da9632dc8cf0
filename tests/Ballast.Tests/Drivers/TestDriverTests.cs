using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers;

/// <summary>What libvirt's own test driver answers to the same calls was recorded from python3-libvirt 9.0.0.</summary>
[Collection(Shared)]
public class TestDriverTests
{
    /// <summary>Whoever opens the one domain of the process must not do so while these look whether it starts anew.</summary>
    internal const string Shared = "test:///default";

    [Fact]
    public async Task The_default_domain_has_libvirts_numbers_in_libvirts_order()
    {
        await using Connection connection = await OpenAsync();
        MemoryStat[] stats = new MemoryStat[1024];
        int count = await (await DomainAsync(connection)).FillMemoryStatsAsync(stats, cancellationToken: Token);
        Assert.Equal(
            "actual=2097152 swap_in=0 swap_out=0 major_fault=0 minor_fault=0 unused=1048576 available=2097152 usable=1048576 "
            + "last_update=627319920 disk_caches=262144 hugetlb_pgalloc=0 hugetlb_pgfail=0 rss=1048576",
            string.Join(' ', stats[..count].Select(stat => $"{stat.Tag.Label()}={stat.Value}")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(12)]
    [InlineData(13)]
    public async Task A_short_buffer_gets_the_beginning(int room)
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainAsync(connection);
        MemoryStat[] all = new MemoryStat[13], stats = new MemoryStat[room];
        Assert.Equal(13, await domain.FillMemoryStatsAsync(all, cancellationToken: Token));
        Assert.Equal(room, await domain.FillMemoryStatsAsync(stats, cancellationToken: Token));
        Assert.Equal(all[..room], stats);
    }

    [Fact]
    public async Task Its_processor_time_is_the_time_of_day_and_a_ten_thousandth_of_it_for_each_virtual_CPU()
    {
        FakeTimeProvider clock = new(DateTimeOffset.FromUnixTimeSeconds(1_795_904_800));
        await using Connection connection = await Connection.OpenAsync(
            "test:///default", new ConnectionOptions { TimeProvider = clock }, TestContext.Current.CancellationToken);
        Domain domain = await connection.LookupByNameAsync("test", TestContext.Current.CancellationToken);
        TimeSpan expected = TimeSpan.FromSeconds(179_590.48);
        Assert.Equal(TimeSpan.FromSeconds(1_795_904_800), (await domain.GetInfoAsync(TestContext.Current.CancellationToken)).CpuTime);
        Assert.All(await domain.GetVirtualCpusAsync(TestContext.Current.CancellationToken), cpu => Assert.Equal(expected, cpu.CpuTime));
    }

    [Fact]
    public async Task All_connections_see_one_domain_and_it_starts_anew_after_the_last_one()
    {
        await using (Connection first = await OpenAsync())
        await using (Connection second = await OpenAsync())
        {
            await (await DomainAsync(first)).SetMemoryAsync(1024, cancellationToken: Token);
            Assert.Equal(1024u, (await (await DomainAsync(second)).GetInfoAsync(Token)).MemoryKiB);
        }

        await using Connection third = await OpenAsync();
        Assert.Equal(2097152u, (await (await DomainAsync(third)).GetInfoAsync(Token)).MemoryKiB);
    }

    [Fact]
    public async Task A_period_and_a_size_for_the_definition_leave_the_running_domain_alone()
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainAsync(connection);
        await domain.SetMemoryAsync(4096, DomainModificationImpact.Config, Token);
        await domain.SetPeriodAsync(7, DomainModificationImpact.Config, Token);
        Assert.Equal(2097152u, (await domain.GetInfoAsync(Token)).MemoryKiB);
        Assert.Equal(0, await domain.GetPeriodAsync(Token));
        await domain.SetPeriodAsync(7, DomainModificationImpact.Live, Token);
        Assert.Equal(7, await domain.GetPeriodAsync(Token));
        Assert.Equal(TimeSpan.FromSeconds(7), (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Period);
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task Errors_are_libvirts(string call, ErrorCode code, ErrorOrigin origin, string message, string? str1, string? str2, int int1)
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainAsync(connection);
        Func<Task> action = call switch
        {
            "name" => async () => await connection.LookupByNameAsync("zz", Token),
            "id" => async () => await connection.LookupByIdAsync(99, Token),
            "negative id" => async () => await connection.LookupByIdAsync(-1, Token),
            "uuid" => async () => await connection.LookupByUuidAsync(Guid.Empty, Token),
            "period" => async () => await domain.SetPeriodAsync(-1, cancellationToken: Token),
            "period flags" => async () => await domain.SetPeriodAsync(3, (DomainModificationImpact)4, Token),
            "period both" => async () => await domain.SetPeriodAsync(3, (DomainModificationImpact)3, Token),
            "memory flags" => async () => await domain.SetMemoryAsync(10, (DomainModificationImpact)8, Token),
            "memory zero" => async () => await domain.SetMemoryAsync(0, cancellationToken: Token),
            "memory overflow" => async () => await domain.SetMemoryAsync(9007199254740991, cancellationToken: Token),
            "memory above" => async () => await domain.SetMemoryAsync(9007199254740990, cancellationToken: Token),
            "stats flags" => async () => await connection.GetAllDomainStatsAsync(flags: (DomainStatsFlags)(1 << 20), cancellationToken: Token),
            "stats enforce" => async () => await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, DomainStatsFlags.EnforceStats, Token),
            "list flags" => async () => await connection.ListDomainsAsync((DomainListFilter)(1 << 20), Token),
            _ => throw new ArgumentOutOfRangeException(nameof(call)),
        };
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(action);
        Assert.Equal((code, origin, message, str1, str2, int1), (error.Code, error.Origin, error.Message, error.Str1, error.Str2, error.Int1));
        Assert.Equal((ErrorLevel.Error, null, int1), (error.Level, error.Str3, error.Int2));
    }

    public static TheoryData<string, ErrorCode, ErrorOrigin, string, string?, string?, int> Errors { get; } = new()
    {
        { "name", ErrorCode.NoDomain, ErrorOrigin.Test, "Domain not found", "Domain not found", null, -1 },
        { "id", ErrorCode.NoDomain, ErrorOrigin.Test, "Domain not found", "Domain not found", null, -1 },
        { "uuid", ErrorCode.NoDomain, ErrorOrigin.Test, "Domain not found", "Domain not found", null, -1 },
        { "negative id", ErrorCode.InvalidArgument, ErrorOrigin.Domain, "id in virDomainLookupByID must be zero or greater", "virDomainLookupByID", "id", 0 },
        { "period", ErrorCode.InvalidArgument, ErrorOrigin.Domain, "period in virDomainSetMemoryStatsPeriod must be zero or greater", "virDomainSetMemoryStatsPeriod", "period", 0 },
        { "period flags", ErrorCode.InvalidArgument, ErrorOrigin.Test, "unsupported flags (0x4) in function testDomainSetMemoryStatsPeriod", "testDomainSetMemoryStatsPeriod", "flags", 0 },
        { "period both", ErrorCode.InvalidArgument, ErrorOrigin.Domain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive", "virDomainObjGetOneDefState", "flags", 0 },
        { "memory flags", ErrorCode.InvalidArgument, ErrorOrigin.Test, "unsupported flags (0x8) in function testDomainSetMemoryFlags", "testDomainSetMemoryFlags", "flags", 0 },
        { "memory zero", ErrorCode.InvalidArgument, ErrorOrigin.Domain, "memory in virDomainSetMemoryFlags must not be zero", "virDomainSetMemoryFlags", "memory", 0 },
        { "memory overflow", ErrorCode.Overflow, ErrorOrigin.Domain, "numerical overflow: input too large: 9007199254740991", "numerical overflow: %s", "input too large: 9007199254740991", -1 },
        { "memory above", ErrorCode.InvalidArgument, ErrorOrigin.Test, "invalid argument: cannot set memory higher than max memory", "invalid argument: %s", "cannot set memory higher than max memory", -1 },
        { "stats flags", ErrorCode.InvalidArgument, ErrorOrigin.Test, "unsupported flags (0x100000) in function testConnectGetAllDomainStats", "testConnectGetAllDomainStats", "flags", 0 },
        { "stats enforce", ErrorCode.ArgumentUnsupported, ErrorOrigin.Test, "argument unsupported: Stats types bits 0x4 are not supported by this daemon", "argument unsupported: %s", "Stats types bits 0x4 are not supported by this daemon", -1 },
        { "list flags", ErrorCode.InvalidArgument, ErrorOrigin.Test, "unsupported flags (0x100000) in function testConnectListAllDomains", "testConnectListAllDomains", "flags", 0 },
    };

    [Fact]
    public async Task A_read_only_connection_reads_and_changes_nothing()
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", new ConnectionOptions { ReadOnly = true }, Token);
        Domain domain = await DomainAsync(connection);
        Assert.NotNull((await domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
        LibvirtException period = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.SetPeriodAsync(1, cancellationToken: Token));
        LibvirtException memory = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.SetMemoryAsync(1, cancellationToken: Token));
        Assert.Equal("operation forbidden: read only access prevents virDomainSetMemoryStatsPeriod", period.Message);
        Assert.Equal("operation forbidden: read only access prevents virDomainSetMemoryFlags", memory.Message);
        Assert.Equal((ErrorCode.OperationDenied, ErrorOrigin.Domain), (memory.Code, memory.Origin));
    }

    [Theory]
    [InlineData(DomainStatsGroups.All, DomainStatsFlags.None, "state.state=1 state.reason=0")]
    [InlineData(DomainStatsGroups.State, DomainStatsFlags.EnforceStats, "state.state=1 state.reason=0")]
    [InlineData(DomainStatsGroups.Balloon, DomainStatsFlags.NoWait, "")]
    [InlineData(DomainStatsGroups.All, DomainStatsFlags.Active | DomainStatsFlags.Running, "state.state=1 state.reason=0")]
    [InlineData(DomainStatsGroups.All, DomainStatsFlags.Paused, null)]
    [InlineData(DomainStatsGroups.All, DomainStatsFlags.Transient, null)]
    public async Task Bulk_statistics_have_groups_and_filters(DomainStatsGroups groups, DomainStatsFlags flags, string? expected)
    {
        await using Connection connection = await OpenAsync();
        IReadOnlyList<DomainStatsRecord> records = await connection.GetAllDomainStatsAsync(groups, flags, Token);
        Assert.Equal(expected, records is [var record] ? string.Join(' ', record.Parameters) : null);
    }

    [Fact]
    public async Task A_domain_of_another_connection_is_refused()
    {
        await using Connection first = await OpenAsync();
        await using Connection second = await OpenAsync();
        Domain domain = await DomainAsync(first);
        await Assert.ThrowsAsync<ArgumentException>(async () => await second.GetDomainStatsAsync([domain], cancellationToken: Token));
    }

    [Theory]
    [InlineData("foo:///x", ErrorCode.NoConnect, ErrorOrigin.None, "no connection driver available for foo:///x")]
    [InlineData("test:///", ErrorCode.InvalidArgument, ErrorOrigin.Test, "invalid argument: testOpen: supply a path or use test:///default")]
    [InlineData("bad uri", ErrorCode.InternalError, ErrorOrigin.Uri, "internal error: Unable to parse URI bad uri")]
    public async Task A_uri_that_cannot_be_opened_says_why(string uri, ErrorCode code, ErrorOrigin origin, string message)
    {
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await Connection.OpenAsync(uri, cancellationToken: Token));
        Assert.Equal((code, origin, message), (error.Code, error.Origin, error.Message));
    }

    [Fact]
    public async Task A_closed_connection_refuses_calls()
    {
        Connection connection = await OpenAsync();
        Domain domain = await DomainAsync(connection);
        await connection.DisposeAsync();
        await connection.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await domain.GetInfoAsync(Token));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ValueTask<Connection> OpenAsync() => Connection.OpenAsync("test:///default", cancellationToken: Token);

    private static ValueTask<Domain> DomainAsync(Connection connection) => connection.LookupByNameAsync("test", Token);
}
