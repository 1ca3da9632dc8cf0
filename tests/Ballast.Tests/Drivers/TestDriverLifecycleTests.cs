namespace Ballast.Tests.Drivers;

/// <summary>States, reasons, events and errors of the test driver's domain, as recorded from a C program on libvirt 9.0.0.</summary>
[Collection(TestDriverTests.Shared)]
public class TestDriverLifecycleTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", DomainState.Running, 0)]
    [InlineData("suspend", DomainState.Paused, 1)]
    [InlineData("suspend resume", DomainState.Running, 5)]
    [InlineData("suspend reset", DomainState.Paused, 1)]
    [InlineData("reset", DomainState.Running, 0)]
    [InlineData("shutdown", DomainState.Shutoff, 1)]
    [InlineData("suspend shutdown", DomainState.Shutoff, 1)]
    [InlineData("destroy", DomainState.Shutoff, 2)]
    [InlineData("suspend destroy-gracefully", DomainState.Shutoff, 2)]
    public async Task Changes_lead_to_libvirts_states_and_reasons(string changes, DomainState state, int reason)
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("test", Token);
        await ChangeAsync(domain, changes);
        Assert.Equal(new DomainStateInfo(state, reason), await domain.GetStateAsync(Token));
        Assert.Equal(state, (await domain.GetInfoAsync(Token)).State);
        DomainStatsRecord record = Assert.Single(await connection.GetAllDomainStatsAsync(cancellationToken: Token));
        Assert.Equal($"state.state={(int)state} state.reason={reason}", string.Join(' ', record.Parameters));
    }

    [Fact]
    public async Task Events_tell_of_changes_in_their_order_and_a_reset_is_none()
    {
        await using Connection connection = await OpenAsync(), other = await OpenAsync();
        await using DomainEventSubscription events = await other.SubscribeAsync(cancellationToken: Token);
        await ChangeAsync(await connection.LookupByNameAsync("test", Token), "suspend reset resume destroy");
        List<string> seen = [];
        await foreach (DomainEvent happened in events.WithCancellation(Token))
        {
            DomainLifecycleEvent change = Assert.IsType<DomainLifecycleEvent>(happened);
            seen.Add($"{change.Change} {change.DetailLabel} {change.Domain.Id}");
            if (change.Change == DomainLifecycleChange.Stopped)
                break;
        }

        Assert.Equal(["Suspended Paused 1", "Resumed Unpaused 1", "Stopped Destroyed "], seen);
    }

    [Fact]
    public async Task A_domain_that_was_ended_is_an_inactive_one_to_everybody()
    {
        await using Connection connection = await OpenAsync(), other = await OpenAsync();
        Domain ending = await connection.LookupByIdAsync(1, Token), watching = await other.LookupByNameAsync("test", Token);
        await ending.DestroyAsync(cancellationToken: Token);

        // The handle that ended it knows; the other one still has the id it was made with.
        Assert.Equal((null, 1), (ending.Id, watching.Id));
        Assert.Null((await other.LookupByNameAsync("test", Token)).Id);
        Assert.Null((await other.LookupByUuidAsync(watching.Uuid, Token)).Id);
        Assert.False(await watching.IsActiveAsync(Token));
        Assert.True(await watching.IsPersistentAsync(Token));
        Assert.Empty(await other.ListDomainsAsync(DomainListFilter.Active, Token));
        Assert.Null(Assert.Single(await other.ListDomainsAsync(DomainListFilter.Inactive | DomainListFilter.Shutoff, Token)).Id);
        Assert.Empty(await other.GetAllDomainStatsAsync(flags: DomainStatsFlags.Active, cancellationToken: Token));
        Assert.Equal(new SecurityLabel("", IsEnforcing: false), await watching.GetSecurityLabelAsync(Token));
        Assert.Empty(await watching.GetMessagesAsync(cancellationToken: Token));
        LibvirtException gone = await Assert.ThrowsAsync<LibvirtException>(async () => await other.LookupByIdAsync(1, Token));
        Assert.Equal((ErrorCode.NoDomain, "Domain not found"), (gone.Code, gone.Message));
    }

    [Fact]
    public async Task A_handle_that_shut_its_domain_down_has_no_id()
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("test", Token);
        await domain.ShutdownAsync(cancellationToken: Token);
        Assert.Null(domain.Id);
    }

    [Fact]
    public async Task What_was_set_for_the_definition_counts_once_the_domain_ended()
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("test", Token);
        await domain.SetMaxMemoryAsync(4_000_000, DomainModificationImpact.Config, Token);
        await domain.SetMemoryAsync(777_777, DomainModificationImpact.Config, Token);
        await domain.SetMemoryAsync(8_000_000, DomainModificationImpact.Live, Token);
        await domain.SetPeriodAsync(9, DomainModificationImpact.Config, Token);
        Assert.Equal((8388608u, 8_000_000u), await MemoryAsync(domain));

        await domain.DestroyAsync(cancellationToken: Token);
        Assert.Equal((4_000_000u, 777_777u), await MemoryAsync(domain));
        Assert.Equal(9, await domain.GetPeriodAsync(Token));

        await domain.SetMemoryAsync(1_000_000, DomainModificationImpact.Current, Token);
        await domain.SetPeriodAsync(3, cancellationToken: Token);
        Assert.Equal((4_000_000u, 1_000_000u), await MemoryAsync(domain));
        Assert.Equal(3, await domain.GetPeriodAsync(Token));

        // A maximum below the current size takes that with it.
        await domain.SetMaxMemoryAsync(1000, cancellationToken: Token);
        Assert.Equal((1000u, 1000u), await MemoryAsync(domain));
    }

    [Fact]
    public async Task A_paused_guest_has_statistics_and_is_said_to_be_paused()
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("test", Token);
        await domain.SuspendAsync(Token);
        Assert.Equal(13, await domain.FillMemoryStatsAsync(new MemoryStat[13], cancellationToken: Token));
        Assert.Equal(MemoryStatsReason.Paused, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task Errors_are_libvirts(string before, string call, ErrorCode code, ErrorOrigin origin, string message, string str1, string str2)
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("test", Token);
        await ChangeAsync(domain, before);
        Func<Task> action = call switch
        {
            "statistics" => async () => await domain.FillMemoryStatsAsync(new MemoryStat[1], cancellationToken: Token),
            "sample" => async () => await domain.GetMemoryStatsAsync(cancellationToken: Token),
            "refresh" => async () => await domain.RefreshMemoryStatsAsync(cancellationToken: Token),
            "live period" => async () => await domain.SetPeriodAsync(1, DomainModificationImpact.Live, Token),
            "live memory" => async () => await domain.SetMemoryAsync(1, cancellationToken: Token),
            "live maximum" => async () => await domain.SetMaxMemoryAsync(1, DomainModificationImpact.Live, Token),
            "maximum" => async () => await domain.SetMaxMemoryAsync(1, cancellationToken: Token),
            "maximum flags" => async () => await domain.SetMaxMemoryAsync(1, (DomainModificationImpact)8, Token),
            "shutdown flags" => async () => await domain.ShutdownAsync((DomainShutdownFlags)99, Token),
            "destroy flags" => async () => await domain.DestroyAsync((DomainDestroyFlags)99, Token),
            "XML flags" => async () => await domain.GetXmlAsync(DomainXmlFlags.UpdateCpu | DomainXmlFlags.Secure, Token),
            _ => async () => await ChangeAsync(domain, call),
        };
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(action);
        Assert.Equal((code, origin, message, str1, str2), (error.Code, error.Origin, error.Message, error.Str1, error.Str2));
    }

    public static TheoryData<string, string, ErrorCode, ErrorOrigin, string, string, string> Errors
    {
        get
        {
            TheoryData<string, string, ErrorCode, ErrorOrigin, string, string, string> data = [];
            foreach (string call in (string[])["statistics", "sample", "refresh", "live period", "live memory", "live maximum", "destroy", "reset"])
                Add("destroy", call, ErrorCode.OperationInvalid, ErrorOrigin.Domain, "Requested operation is not valid: ", "domain is not running");
            foreach ((string before, string call) in ((string, string)[])[("suspend", "suspend"), ("shutdown", "suspend"), ("destroy", "shutdown")])
                Add(before, call, ErrorCode.InternalError, ErrorOrigin.Test, "internal error: ", "domain 'test' not running");
            foreach (string before in (string[])["", "destroy"])
                Add(before, "resume", ErrorCode.InternalError, ErrorOrigin.Test, "internal error: ", "domain 'test' not paused");
            Add("", "maximum", ErrorCode.OperationInvalid, ErrorOrigin.Test, "Requested operation is not valid: ", "cannot resize the maximum memory on an active domain");
            Add("", "live maximum", ErrorCode.OperationInvalid, ErrorOrigin.Test, "Requested operation is not valid: ", "cannot resize the maximum memory on an active domain");
            AddFlags("maximum flags", "0x8", "testDomainSetMemoryFlags");
            AddFlags("shutdown flags", "0x63", "testDomainShutdownFlags");
            AddFlags("destroy flags", "0x62", "testDomainDestroyFlags");
            AddFlags("XML flags", "0x4", "testDomainGetXMLDesc");
            return data;

            void Add(string before, string call, ErrorCode code, ErrorOrigin origin, string prefix, string detail) =>
                data.Add(before, call, code, origin, prefix + detail, prefix + "%s", detail);

            // Flags are looked at before the domain's state.
            void AddFlags(string call, string flags, string function) =>
                data.Add("destroy", call, ErrorCode.InvalidArgument, ErrorOrigin.Test, $"unsupported flags ({flags}) in function {function}", function, "flags");
        }
    }

    private static async Task<(ulong Maximum, ulong Current)> MemoryAsync(Domain domain)
    {
        DomainInfo info = await domain.GetInfoAsync(Token);
        return (info.MaxMemoryKiB, info.MemoryKiB);
    }

    private static async Task ChangeAsync(Domain domain, string changes)
    {
        foreach (string change in changes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            await (change switch
            {
                "suspend" => domain.SuspendAsync(Token),
                "resume" => domain.ResumeAsync(Token),
                "reset" => domain.ResetAsync(Token),
                "shutdown" => domain.ShutdownAsync(cancellationToken: Token),
                "destroy" => domain.DestroyAsync(cancellationToken: Token),
                "destroy-gracefully" => domain.DestroyAsync(DomainDestroyFlags.Graceful, Token),
                _ => throw new ArgumentOutOfRangeException(nameof(changes)),
            });
        }
    }

    private static ValueTask<Connection> OpenAsync() => Connection.OpenAsync("test:///default", cancellationToken: Token);
}
