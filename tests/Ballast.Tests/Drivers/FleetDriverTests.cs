using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers;

public class FleetDriverTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Ten_guests_of_ten_kinds_are_there_unless_told_otherwise()
    {
        await using Connection connection = await OpenAsync("test:///fleet");
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal("TEST", connection.DriverType);
        Assert.Equal(
            ["idle-00001", "cache-00002", "growing-00003", "spiking-00004", "swapping-00005", "paused-00006", "no-driver-00007",
                "no-polling-00008", "lying-00009", "stale-00010"],
            domains.Select(domain => domain.Name));
        Assert.Equal(Enumerable.Range(1, 10), domains.Select(domain => domain.Id!.Value));
        Assert.Equal(10, domains.Select(domain => domain.Uuid).Distinct().Count());
        Assert.All(domains, domain => Assert.Equal(8, domain.Uuid.Version));
    }

    [Fact]
    public async Task The_same_seed_and_clock_give_the_same_numbers_in_whatever_order_they_are_asked()
    {
        FakeTimeProvider first = new(Noon), second = new(Noon);
        await using Connection one = await OpenAsync("test:///fleet?domains=60&seed=7", first), other = await OpenAsync("test:///fleet?domains=60&seed=7", second);
        for (int hours = 0; hours < 3; hours++)
        {
            string[] forwards = await DescribeAsync(one, await one.ListDomainsAsync(cancellationToken: Token));
            _ = await DescribeAsync(one, (await one.ListDomainsAsync(cancellationToken: Token)).Take(9));
            string[] backwards = await DescribeAsync(other, (await other.ListDomainsAsync(cancellationToken: Token)).Reverse());
            Assert.Equal(forwards, backwards.Reverse());
            first.Advance(TimeSpan.FromHours(1));
            second.Advance(TimeSpan.FromSeconds(1234));
            second.Advance(TimeSpan.FromSeconds(3600 - 1234));
        }
    }

    [Fact]
    public async Task A_fleet_opened_later_that_day_shows_the_guests_of_one_opened_earlier()
    {
        FakeTimeProvider early = new(Noon - TimeSpan.FromHours(11));
        await using Connection earlier = await OpenAsync("test:///fleet?domains=20", early);
        early.Advance(TimeSpan.FromHours(22));
        await using Connection later = await OpenAsync("test:///fleet?domains=20", new FakeTimeProvider(Noon + TimeSpan.FromHours(11)));
        Assert.Equal(
            await DescribeAsync(earlier, await earlier.ListDomainsAsync(cancellationToken: Token)),
            await DescribeAsync(later, await later.ListDomainsAsync(cancellationToken: Token)));
    }

    [Fact]
    public async Task Another_seed_gives_other_guests_of_the_same_names()
    {
        await using Connection one = await OpenAsync("test:///fleet?seed=1"), other = await OpenAsync("test:///fleet?seed=18446744073709551615");
        IReadOnlyList<Domain> mine = await one.ListDomainsAsync(cancellationToken: Token), theirs = await other.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal(mine.Select(domain => domain.Name), theirs.Select(domain => domain.Name));
        Assert.Empty(mine.Select(domain => domain.Uuid).Intersect(theirs.Select(domain => domain.Uuid)));
        Assert.NotEqual(await DescribeAsync(one, mine), await DescribeAsync(other, theirs));
    }

    [Fact]
    public async Task A_larger_fleet_has_the_guests_of_a_smaller_one()
    {
        FakeTimeProvider time = new(Noon);
        await using Connection small = await OpenAsync("test:///fleet?domains=20", time), large = await OpenAsync("test:///fleet?domains=300", time);
        Assert.Equal(
            await DescribeAsync(small, await small.ListDomainsAsync(cancellationToken: Token)),
            await DescribeAsync(large, (await large.ListDomainsAsync(cancellationToken: Token)).Take(20)));
    }

    [Fact]
    public async Task Connections_share_a_fleet_as_long_as_one_of_them_is_open()
    {
        FakeTimeProvider time = new(Noon);
        await using (Connection first = await OpenAsync("test:///fleet", time))
        await using (Connection second = await OpenAsync("test:///fleet?seed=1&domains=10", time))
        await using (Connection stranger = await OpenAsync("test:///fleet?seed=2", time))
        {
            await (await first.LookupByIdAsync(1, Token)).SetPeriodAsync(60, cancellationToken: Token);
            Assert.Equal(60, await (await second.LookupByIdAsync(1, Token)).GetPeriodAsync(Token));
            Assert.Equal(2, await (await stranger.LookupByIdAsync(1, Token)).GetPeriodAsync(Token));
            await first.DisposeAsync();
            await first.DisposeAsync();
            Assert.Equal(60, await (await second.LookupByIdAsync(1, Token)).GetPeriodAsync(Token));
        }

        await using Connection third = await OpenAsync("test:///fleet", time);
        Assert.Equal(2, await (await third.LookupByIdAsync(1, Token)).GetPeriodAsync(Token));
    }

    [Theory]
    [InlineData("test:///fleet?domains=0", "domains '0' in test:///fleet?domains=0 is not a number from 1 to 100000")]
    [InlineData("test:///fleet?domains=100001", "domains '100001' in test:///fleet?domains=100001 is not a number from 1 to 100000")]
    [InlineData("test:///fleet?domains=-1", "domains '-1' in test:///fleet?domains=-1 is not a number from 1 to 100000")]
    [InlineData("test:///fleet?domains=99999999999", "domains '99999999999' in test:///fleet?domains=99999999999 is not a number from 1 to 100000")]
    [InlineData("test:///fleet?domains", "domains '' in test:///fleet?domains is not a number from 1 to 100000")]
    [InlineData("test:///fleet?seed=x", "seed 'x' in test:///fleet?seed=x is not a number from 0 to 18446744073709551615")]
    [InlineData("test:///fleet?Seed=18446744073709551616", "seed '18446744073709551616' in test:///fleet?Seed=18446744073709551616 is not a number from 0 to 18446744073709551615")]
    [InlineData("test:///fleet?domains=5&guests=3", "unknown parameter 'guests' in test:///fleet?domains=5&guests=3; known are domains and seed")]
    public async Task A_parameter_that_cannot_be_is_refused(string uri, string message)
    {
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await OpenAsync(uri));
        Assert.Equal((ErrorCode.InvalidArgument, ErrorOrigin.Test, "invalid argument: " + message), (error.Code, error.Origin, error.Message));
    }

    [Fact]
    public async Task Each_guest_is_found_by_id_name_and_uuid()
    {
        await using Connection connection = await OpenAsync("test:///fleet?domains=300&seed=99");
        foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: Token))
        {
            Assert.Equal(domain.Uuid, (await connection.LookupByIdAsync(domain.Id!.Value, Token)).Uuid);
            Assert.Equal(domain.Uuid, (await connection.LookupByNameAsync(domain.Name, Token)).Uuid);
            Assert.Equal(domain.Name, (await connection.LookupByUuidAsync(domain.Uuid, Token)).Name);
        }
    }

    [Theory]
    [InlineData("idle-00002")]
    [InlineData("idle-1")]
    [InlineData("idle-000001")]
    [InlineData("idle-00031")]
    [InlineData("idle-00000")]
    [InlineData("idle--0001")]
    [InlineData("idle-99999999999")]
    [InlineData("Idle-00001")]
    [InlineData("")]
    public async Task A_name_that_no_guest_has_is_not_found(string name)
    {
        await using Connection connection = await OpenAsync("test:///fleet?domains=30");
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.LookupByNameAsync(name, Token));
        Assert.Equal((ErrorCode.NoDomain, ErrorOrigin.Test, $"Domain not found: no domain with matching name '{name}'"), (error.Code, error.Origin, error.Message));
    }

    [Fact]
    public async Task Ids_and_uuids_beyond_the_fleet_are_not_found()
    {
        await using Connection small = await OpenAsync("test:///fleet?domains=30"), large = await OpenAsync("test:///fleet?domains=31");
        Guid beyond = (await large.LookupByIdAsync(31, Token)).Uuid;
        foreach (Func<Task> lookup in (Func<Task>[])[
            async () => await small.LookupByIdAsync(31, Token), async () => await small.LookupByIdAsync(0, Token),
            async () => await small.LookupByUuidAsync(beyond, Token), async () => await small.LookupByUuidAsync(Guid.Empty, Token)])
        {
            Assert.Equal(ErrorCode.NoDomain, (await Assert.ThrowsAsync<LibvirtException>(lookup)).Code);
        }
    }

    [Theory]
    [InlineData(DomainListFilter.None, 40)]
    [InlineData(DomainListFilter.Active, 40)]
    [InlineData(DomainListFilter.Inactive, 0)]
    [InlineData(DomainListFilter.Running, 38)]
    [InlineData(DomainListFilter.Paused, 2)]
    [InlineData(DomainListFilter.Running | DomainListFilter.Paused, 40)]
    [InlineData(DomainListFilter.Other, 0)]
    [InlineData(DomainListFilter.Transient | DomainListFilter.NoAutostart | DomainListFilter.NoManagedSave, 40)]
    [InlineData(DomainListFilter.Persistent, 0)]
    public async Task Filters_are_libvirts_for_lists_and_for_bulk(DomainListFilter filter, int expected)
    {
        await using Connection connection = await OpenAsync("test:///fleet?domains=40");
        Assert.Equal(expected, (await connection.ListDomainsAsync(filter, Token)).Count);
        const DomainListFilter bulkToo = DomainListFilter.Active | DomainListFilter.Inactive | DomainListFilter.Running | DomainListFilter.Paused
            | DomainListFilter.Other | DomainListFilter.Persistent | DomainListFilter.Transient;
        if ((filter & ~bulkToo) == 0)
            Assert.Equal(expected, (await connection.GetAllDomainStatsAsync(flags: (DomainStatsFlags)(uint)filter, cancellationToken: Token)).Count);
    }

    [Fact]
    public async Task Bulk_statistics_have_libvirts_fields_in_libvirts_order_and_the_numbers_of_single_calls()
    {
        await using Connection connection = await OpenAsync("test:///fleet?domains=40");
        IReadOnlyList<DomainStatsRecord> records = await connection.GetAllDomainStatsAsync(flags: DomainStatsFlags.NoWait, cancellationToken: Token);
        Assert.Equal(Enumerable.Range(1, 40), records.Select(record => record.Domain.Id!.Value));
        foreach (DomainStatsRecord record in records)
        {
            DomainInfo info = await record.Domain.GetInfoAsync(Token);
            DomainStateInfo state = await record.Domain.GetStateAsync(Token);
            MemoryStats sample = await record.Domain.GetMemoryStatsAsync(cancellationToken: Token);
            Assert.Equal(
                [$"state.state={(int)state.State}", $"state.reason={state.Reason}", $"balloon.current={info.MemoryKiB}", $"balloon.maximum={info.MaxMemoryKiB}",
                    .. sample.Entries.Where(entry => entry.Tag != MemoryStatTag.ActualBalloon)
                        .Select(entry => $"balloon.{(entry.Tag == MemoryStatTag.LastUpdate ? "last-update" : entry.Tag.Label())}={entry.Value}")],
                record.Parameters.Select(parameter => parameter.ToString()));
        }
    }

    [Fact]
    public async Task Bulk_statistics_have_the_groups_and_the_domains_asked_for()
    {
        await using Connection connection = await OpenAsync("test:///fleet");
        Domain third = await connection.LookupByIdAsync(3, Token), paused = await connection.LookupByIdAsync(6, Token);
        IReadOnlyList<DomainStatsRecord> records = await connection.GetDomainStatsAsync([paused, third, paused], DomainStatsGroups.State | DomainStatsGroups.Block, cancellationToken: Token);
        Assert.Equal(
            ["paused-00006 state.state=3 state.reason=1", "growing-00003 state.state=1 state.reason=1", "paused-00006 state.state=3 state.reason=1"],
            records.Select(record => $"{record.Domain.Name} {string.Join(' ', record.Parameters)}"));
        Assert.Empty((await connection.GetDomainStatsAsync([third], DomainStatsGroups.Vcpu, cancellationToken: Token))[0].Parameters);
        Assert.Equal("balloon.current", (await connection.GetDomainStatsAsync([third], DomainStatsGroups.Balloon, cancellationToken: Token))[0].Parameters[0].Field);
    }

    [Theory]
    [InlineData("list", "unsupported flags (0x100000) in function testConnectListAllDomains", ErrorCode.InvalidArgument)]
    [InlineData("stats", "unsupported flags (0x100000) in function testConnectGetAllDomainStats", ErrorCode.InvalidArgument)]
    [InlineData("enforce", "argument unsupported: Stats types bits 0x20 are not supported by this daemon", ErrorCode.ArgumentUnsupported)]
    [InlineData("period", "unsupported flags (0x4) in function testDomainSetMemoryStatsPeriod", ErrorCode.InvalidArgument)]
    [InlineData("memory", "unsupported flags (0x8) in function testDomainSetMemoryFlags", ErrorCode.InvalidArgument)]
    [InlineData("above", "invalid argument: cannot set memory higher than max memory", ErrorCode.InvalidArgument)]
    [InlineData("config", "Requested operation is not valid: transient domains do not have any persistent config", ErrorCode.OperationInvalid)]
    public async Task Errors_are_libvirts(string call, string message, ErrorCode code)
    {
        await using Connection connection = await OpenAsync("test:///fleet");
        Domain domain = await connection.LookupByIdAsync(1, Token);
        Func<Task> action = call switch
        {
            "list" => async () => await connection.ListDomainsAsync((DomainListFilter)(1 << 20), Token),
            "stats" => async () => await connection.GetAllDomainStatsAsync(flags: (DomainStatsFlags)(1 << 20), cancellationToken: Token),
            "enforce" => async () => await connection.GetAllDomainStatsAsync(DomainStatsGroups.Block, DomainStatsFlags.EnforceStats, Token),
            "period" => async () => await domain.SetPeriodAsync(3, (DomainModificationImpact)4, Token),
            "memory" => async () => await domain.SetMemoryAsync(10, (DomainModificationImpact)8, Token),
            "above" => async () => await domain.SetMemoryAsync(await domain.GetMaxMemoryAsync(Token) + 1, cancellationToken: Token),
            _ => async () => await domain.SetPeriodAsync(3, DomainModificationImpact.Config, Token),
        };
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(action);
        Assert.Equal((code, message), (error.Code, error.Message));
    }

    [Fact]
    public async Task A_hundred_thousand_guests_open_and_list_and_each_is_there()
    {
        await using Connection connection = await OpenAsync("test:///fleet?domains=100000");
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal(100_000, domains.Select(domain => domain.Uuid).Distinct().Count());
        Assert.Equal("idle-100000", domains[^1].Name);
        Assert.Equal(100_000, (await connection.LookupByUuidAsync(domains[^1].Uuid, Token)).Id);
        Assert.NotNull((await domains[76_543].GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
    }

    [Fact]
    public async Task A_cancelled_call_over_all_guests_ends()
    {
        await using Connection connection = await OpenAsync("test:///fleet?domains=3000");
        CancellationToken cancelled = new(canceled: true);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await connection.GetAllDomainStatsAsync(cancellationToken: cancelled));
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await connection.ListDomainsAsync(cancellationToken: cancelled));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ValueTask<Connection> OpenAsync(string uri, TimeProvider? time = null) =>
        Connection.OpenAsync(uri, new ConnectionOptions { TimeProvider = time ?? new FakeTimeProvider(Noon) }, Token);

    private static async Task<string[]> DescribeAsync(Connection connection, IEnumerable<Domain> domains)
    {
        List<string> lines = [];
        foreach (Domain domain in domains)
        {
            MemoryStats sample = await domain.GetMemoryStatsAsync(MemoryStatsOptions.Extended, Token);
            DomainStatsRecord record = (await connection.GetDomainStatsAsync([domain], cancellationToken: Token))[0];
            lines.Add($"{domain} {domain.Id} {await domain.GetInfoAsync(Token)} {sample.Reason} {sample.Age} {sample.Inconsistencies} "
                + $"{string.Join(' ', sample.Entries)} {string.Join(' ', record.Parameters)}");
        }

        return [.. lines];
    }
}
