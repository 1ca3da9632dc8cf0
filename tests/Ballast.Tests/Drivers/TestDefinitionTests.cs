using Ballast.Tests.Rpc;

namespace Ballast.Tests.Drivers;

/// <summary>Domains that callers make, in process and through a server.</summary>
[Collection(TestDriverTests.Shared)]
public sealed class TestDefinitionTests
{
    private const string Xml =
        "<domain type='test'><name>vm1</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu><os><type>hvm</type></os>"
        + "<devices><memballoon model='virtio'/></devices></domain>";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_domain_is_defined_started_changed_stopped_and_removed_and_events_tell_of_it(bool isRemote)
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        await using Connection connection = isRemote ? await server.ConnectAsync() : await Connection.OpenAsync("test:///default", cancellationToken: Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(new() { Kinds = DomainEventKinds.Lifecycle }, Token);

        Domain domain = await connection.DefineDomainAsync(Xml, cancellationToken: Token);
        Assert.Equal((null, true, false), (domain.Id, await domain.IsPersistentAsync(Token), await domain.IsActiveAsync(Token)));
        await domain.StartAsync(cancellationToken: Token);
        Assert.Equal(2, domain.Id);
        Assert.Equal(new DomainStateInfo(DomainState.Running, 1), await domain.GetStateAsync(Token));
        await domain.SetVirtualCpuCountAsync(2, cancellationToken: Token);
        await domain.SetMaxVirtualCpuCountAsync(3, cancellationToken: Token);
        Assert.Equal((2, 2), (await domain.GetVirtualCpuCountAsync(cancellationToken: Token), await domain.GetMaxVirtualCpusAsync(Token)));
        Assert.Equal(3, await domain.GetVirtualCpuCountAsync(VirtualCpuCountFlags.Config | VirtualCpuCountFlags.Maximum, Token));
        await domain.SetMetadataAsync(DomainMetadataType.Element, "<role>db</role>", "x", "urn:x", cancellationToken: Token);
        Assert.Equal("<role>db</role>", await domain.GetMetadataAsync(DomainMetadataType.Element, "urn:x", cancellationToken: Token));
        Assert.Contains("<x:role xmlns:x=\"urn:x\">db</x:role>", await domain.GetXmlAsync(cancellationToken: Token), StringComparison.Ordinal);
        await domain.SetAutostartAsync(true, Token);
        Assert.True(await domain.GetAutostartAsync(Token));
        await domain.RebootAsync(cancellationToken: Token);
        await domain.DestroyAsync(cancellationToken: Token);
        Assert.Null(domain.Id);
        await domain.RenameAsync("vm2", Token);
        Assert.Equal(["vm2"], (await connection.ListDomainsAsync(DomainListFilter.Inactive, Token)).Select(found => found.Name));
        await domain.StartAsync(cancellationToken: Token);
        await domain.ManagedSaveAsync(Token);
        Assert.True(await domain.HasManagedSaveImageAsync(Token));
        await domain.RemoveManagedSaveAsync(Token);
        await domain.UndefineAsync(DomainUndefineFlags.ManagedSave, Token);
        Assert.Equal(ErrorCode.NoDomain, (await Assert.ThrowsAsync<LibvirtException>(async () => await domain.GetStateAsync(Token))).Code);

        Domain once = await connection.CreateDomainAsync(Xml, cancellationToken: Token);
        Assert.Equal((4, false), (once.Id, await once.IsPersistentAsync(Token)));
        await once.ShutdownAsync(cancellationToken: Token);

        string[] expected =
        [
            "vm1 Defined Added", "vm1 Started Booted", "vm1 Stopped Destroyed", "vm1 Undefined Renamed", "vm2 Defined Renamed",
            "vm2 Started Booted", "vm2 Stopped Saved", "vm2 Undefined Removed", "vm1 Started Booted", "vm1 Stopped Shutdown",
        ];
        List<string> heard = [];
        await foreach (DomainEvent happened in events.WithCancellation(Token))
        {
            DomainLifecycleEvent change = Assert.IsType<DomainLifecycleEvent>(happened);
            heard.Add($"{change.Domain.Name} {change.Change} {change.DetailLabel}");
            if (heard.Count == expected.Length)
                break;
        }

        Assert.Equal(expected, heard);
    }

    [Fact]
    public async Task A_domain_that_nobody_gave_a_UUID_gets_a_random_one()
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        List<Guid> found = [];
        for (int i = 0; i < 3; i++)
        {
            Domain domain = await connection.DefineDomainAsync(Xml, cancellationToken: Token);
            found.Add(domain.Uuid);
            await domain.UndefineAsync(cancellationToken: Token);
        }

        Assert.Equal(3, found.Distinct().Count());
        Assert.All(found, uuid => Assert.Equal(4, uuid.Version));
    }

    [Fact]
    public async Task Many_who_change_domains_at_once_lose_nothing()
    {
        const int callers = 8, domains = 25;
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < domains; i++)
            {
                Domain domain = await connection.DefineDomainAsync(Xml.Replace("vm1", $"vm-{caller}-{i}", StringComparison.Ordinal), cancellationToken: Token);
                await domain.StartAsync(cancellationToken: Token);
                await domain.SetMemoryAsync((ulong)(1000 + i), cancellationToken: Token);
            }
        }, Token)));
        IReadOnlyList<Domain> all = await connection.ListDomainsAsync(DomainListFilter.Active, Token);
        Assert.Equal((callers * domains) + 1, all.Count);
        Assert.Equal(Enumerable.Range(1, all.Count), all.Select(domain => domain.Id!.Value));
        Assert.Equal(callers, (await Task.WhenAll(all.Select(async domain => (await domain.GetInfoAsync(Token)).MemoryKiB))).Count(kib => kib == 1007));
    }

    [Fact]
    public async Task What_nests_deeper_than_anybody_writes_is_refused_before_it_is_looked_at()
    {
        const int depth = 50_000;
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync("test", Token);
        string deep = string.Concat(Enumerable.Repeat("<a>", depth)) + string.Concat(Enumerable.Repeat("</a>", depth));
        Assert.Equal(ErrorCode.XmlDetail, (await Assert.ThrowsAsync<LibvirtException>(
            async () => await connection.DefineDomainAsync(Xml.Replace("<os>", $"<metadata>{deep}</metadata><os>", StringComparison.Ordinal), cancellationToken: Token))).Code);
        Assert.Equal(ErrorCode.XmlDetail, (await Assert.ThrowsAsync<LibvirtException>(
            async () => await domain.SetMetadataAsync(DomainMetadataType.Element, deep, "k", "urn:x", cancellationToken: Token))).Code);
    }

    [Fact]
    public async Task Definitions_take_time_as_they_are_long_whatever_there_is_much_of()
    {
        // If each were compared with all the others, or its like counted again each time, these would take minutes.
        const int many = 100_000;
        string devices = string.Concat(Enumerable.Repeat("<interface type='user'/>", many));
        string list = string.Join(',', Enumerable.Repeat("0-16383", many)), pins = string.Concat(Enumerable.Range(0, many).Select(cpu => $"<vcpupin vcpu='{cpu}' cpuset='0'/>"));
        string declared = string.Concat(Enumerable.Range(0, many).Select(number => $" xmlns:p{number}='urn:{number}'"));
        string used = string.Concat(Enumerable.Range(0, many).Select(number => $" p{number}:x=''"));
        string[] all =
        [
            Xml.Replace("<devices>", $"<devices>{devices}", StringComparison.Ordinal),
            Xml.Replace("<vcpu", $"<vcpu cpuset='{list}'", StringComparison.Ordinal).Replace("<os>", $"<cputune>{pins}</cputune><os>", StringComparison.Ordinal),
            Xml.Replace("<domain", $"<domain{declared}", StringComparison.Ordinal).Replace("<os>", $"<metadata><a xmlns='urn:a'{used}/></metadata><os>", StringComparison.Ordinal),
            Xml.Replace("<os>", $"<metadata xmlns='{new string('u', 4096)}'>{string.Concat(Enumerable.Repeat("<a/>", many))}</metadata><os>", StringComparison.Ordinal),
        ];
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        foreach (string xml in all)
        {
            Domain domain = await Task.Run(async () => await connection.DefineDomainAsync(xml, cancellationToken: Token), Token).WaitAsync(Ballast.Guests.Deadline.Default, Token);
            await domain.UndefineAsync(cancellationToken: Token);
        }
    }

    [Fact]
    public async Task What_would_be_written_at_a_hundred_times_its_length_is_refused()
    {
        const int depth = 200, many = 100_000;
        string indented = $"{string.Concat(Enumerable.Repeat("<a>", depth))}{string.Concat(Enumerable.Repeat("<b/>", many))}{string.Concat(Enumerable.Repeat("</a>", depth))}";
        string declared = string.Concat(Enumerable.Range(0, many).Select(number => $"<a xmlns='urn:{number}' p:x=''/>"));
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        foreach (string changed in (string[])
        [
            Xml.Replace("<os>", $"<metadata><m xmlns='urn:m'>{indented}</m></metadata><os>", StringComparison.Ordinal),
            Xml.Replace("<os>", $"<metadata xmlns:p='{new string('u', 4096)}'>{declared}</metadata><os>", StringComparison.Ordinal),
            Xml.Replace("<os>", $"<cpu>{indented}</cpu><os>", StringComparison.Ordinal),
        ])
        {
            Domain domain = await connection.DefineDomainAsync(changed, cancellationToken: Token);
            Assert.Equal("XML error: it has more than 33554432 characters", (await Assert.ThrowsAsync<LibvirtException>(async () => await domain.GetXmlAsync(cancellationToken: Token))).Message);
            await domain.UndefineAsync(cancellationToken: Token);
        }

        Domain test = await connection.LookupByNameAsync("test", Token);
        await test.SetMetadataAsync(DomainMetadataType.Element, $"<m>{indented}</m>", "m", "urn:m", cancellationToken: Token);
        Assert.Equal(ErrorCode.XmlError, (await Assert.ThrowsAsync<LibvirtException>(
            async () => await test.GetMetadataAsync(DomainMetadataType.Element, "urn:m", cancellationToken: Token))).Code);
    }

    [Fact]
    public async Task However_many_domains_somebody_defines_others_can_still_list_them()
    {
        const int most = 16384;
        await using Connection local = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        await using ServerFixture server = ServerFixture.Start(local);
        await using Connection remote = await server.ConnectAsync();
        for (int i = 1; i < most; i++)
            await DefineAsync($"{new string('€', 250)}{i:d5}");
        Assert.Equal("operation failed: a test host has at most 16384 domains", (await Assert.ThrowsAsync<LibvirtException>(() => DefineAsync("other"))).Message);
        Assert.Equal(most, (await remote.ListDomainsAsync(cancellationToken: Token)).Count);

        // One that is there can be defined anew, and its place is free when it is gone.
        Domain known = await remote.LookupByNameAsync($"{new string('€', 250)}{1:d5}", Token);
        string again = Xml.Replace("<name>vm1</name>", $"<name>{known.Name}</name><uuid>{known.Uuid}</uuid>", StringComparison.Ordinal);
        await (await remote.DefineDomainAsync(again, cancellationToken: Token)).UndefineAsync(cancellationToken: Token);
        await DefineAsync("other");

        Task<Domain> DefineAsync(string name) => local.DefineDomainAsync(Xml.Replace("vm1", name, StringComparison.Ordinal), cancellationToken: Token).AsTask();
    }

    [Fact]
    public async Task What_somebody_defines_and_sets_is_kept_up_to_some_mebibytes_and_gone_is_gone()
    {
        const string tooMuch = "operation failed: the XML of a test host's domains has at most 33554432 characters together";
        string large = new('x', 4_000_000), largeXml = Xml.Replace("<os>", $"<description>{large}</description><os>", StringComparison.Ordinal);
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        for (int round = 0; round < 2; round++)
        {
            List<Domain> all = [];
            LibvirtException? refusal = null;
            while (refusal is null)
            {
                Assert.True(all.Count < 100);
                refusal = await TryAsync(async () => all.Add(await connection.DefineDomainAsync(largeXml.Replace("vm1", $"vm{all.Count}", StringComparison.Ordinal), cancellationToken: Token)));
            }

            Assert.Equal((ErrorCode.OperationFailed, tooMuch), (refusal.Code, refusal.Message));

            // What takes no more can be done all the same.
            Assert.NotEmpty(all);
            await all[0].StartAsync(cancellationToken: Token);
            await all[0].SetMemoryAsync(1000, cancellationToken: Token);
            await all[0].SuspendAsync(Token);
            await all[0].DestroyAsync(cancellationToken: Token);
            foreach (Domain domain in all)
                await domain.UndefineAsync(cancellationToken: Token);
        }

        // The same of metadata: what takes the place of another counts once.
        Domain test = await connection.LookupByNameAsync("test", Token);
        for (int i = 0; i < 20; i++)
            await SetAsync("urn:same");
        int set = 0;
        LibvirtException? last = null;
        while (last is null && set < 100)
            last = await TryAsync(() => SetAsync($"urn:{set++}"));
        Assert.Equal(tooMuch, last?.Message);

        Task SetAsync(string uri) => test.SetMetadataAsync(DomainMetadataType.Element, $"<a>{large}</a>", "p", uri, cancellationToken: Token).AsTask();

        static async Task<LibvirtException?> TryAsync(Func<Task> act)
        {
            try
            {
                await act();
                return null;
            }
            catch (LibvirtException e)
            {
                return e;
            }
        }
    }

    [Fact]
    public async Task Names_that_no_list_has_room_for_are_refused()
    {
        string longest = new('n', 255);
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        Domain domain = await connection.DefineDomainAsync(Xml, cancellationToken: Token);
        Func<string, Task>[] ways =
        [
            async name => await connection.DefineDomainAsync(Xml.Replace("vm1", name, StringComparison.Ordinal), cancellationToken: Token),
            async name => await connection.CreateDomainAsync(Xml.Replace("vm1", name, StringComparison.Ordinal), cancellationToken: Token),
            async name => await domain.RenameAsync(name, Token),
        ];
        foreach (Func<string, Task> name in ways)
        {
            LibvirtException refusal = await Assert.ThrowsAsync<LibvirtException>(() => name($"{longest}n"));
            Assert.Equal((ErrorCode.XmlError, $"XML error: name '{longest}…' has more than 255 characters"), (refusal.Code, refusal.Message));
        }

        await domain.RenameAsync(longest, Token);
    }

    [Fact]
    public async Task Lists_of_CPUs_mean_what_they_say_at_the_borders_of_words()
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        foreach ((string list, bool isEmpty) in ((string, bool)[])
        [
            ("0-127,^63,^64", false), ("63-64,^63,^64", true), ("63,^64", false), ("0,^0", true), ("16383,^16383", true), ("16320-16383,^16320", false), ("0-16383", false),
            ("62-65,^62,^63,^64,^65", true),
        ])
        {
            Task<Domain> defining = connection.DefineDomainAsync(Xml.Replace("<vcpu", $"<vcpu cpuset='{list}'", StringComparison.Ordinal), cancellationToken: Token).AsTask();
            if (isEmpty)
                Assert.Contains($"Invalid value of 'cpuset': {list}", (await Assert.ThrowsAsync<LibvirtException>(() => defining)).Message, StringComparison.Ordinal);
            else
                await (await defining).UndefineAsync(cancellationToken: Token);
        }
    }

    [Theory]
    [InlineData(DomainMetadataType.Element, null, 4097, "uri")]
    [InlineData(DomainMetadataType.Element, 4097, 4096, "key")]
    [InlineData((DomainMetadataType)99, null, 4097, "uri")]
    public async Task A_namespace_of_which_events_would_tell_at_length_is_refused(DomainMetadataType type, int? prefix, int uri, string argument)
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync("test", Token);
        LibvirtException refusal = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.SetMetadataAsync(
            type, null, prefix is { } length ? new string('k', length) : null, new string('a', uri), cancellationToken: Token));
        Assert.Equal(ErrorCode.InvalidArgument, refusal.Code);
        Assert.EndsWith($"{argument} in virDomainSetMetadata must have at most 4096 characters", refusal.Message, StringComparison.Ordinal);
        await domain.SetMetadataAsync(DomainMetadataType.Element, null, new string('k', 4096), new string('a', 4096), cancellationToken: Token);
    }
}
