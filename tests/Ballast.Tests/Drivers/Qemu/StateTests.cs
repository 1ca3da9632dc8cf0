using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class StateTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("running", DomainState.Running, 1)]
    [InlineData("paused", DomainState.Paused, 1)]
    [InlineData("prelaunch", DomainState.Paused, 1)]
    [InlineData("inmigrate", DomainState.Paused, 2)]
    [InlineData("postmigrate", DomainState.Paused, 2)]
    [InlineData("finish-migrate", DomainState.Paused, 2)]
    [InlineData("save-vm", DomainState.Paused, 3)]
    [InlineData("restore-vm", DomainState.Paused, 0)]
    [InlineData("debug", DomainState.Paused, 0)]
    [InlineData("internal-error", DomainState.Paused, 0)]
    [InlineData("colo", DomainState.Paused, 0)]
    [InlineData("io-error", DomainState.Paused, 5)]
    [InlineData("watchdog", DomainState.Paused, 6)]
    [InlineData("shutdown", DomainState.Paused, 8)]
    [InlineData("guest-panicked", DomainState.Paused, 10)]
    [InlineData("suspended", DomainState.PMSuspended, 0)]
    [InlineData("state-of-tomorrow", DomainState.Paused, 0)]
    [InlineData("\\u0072unning", DomainState.Paused, 0)]
    public async Task Every_run_state_has_its_state_and_reason(string runState, DomainState state, int reason)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.Guest.Status = runState;

        Assert.Equal(new DomainStateInfo(state, reason), await session.Domain.GetStateAsync(Token));
        Assert.Equal(state, (await session.Domain.GetInfoAsync(Token)).State);
        Assert.Equal(
            [TypedParameter.Int("state.state", (int)state), TypedParameter.Int("state.reason", reason)],
            Assert.Single(await session.Connection.GetAllDomainStatsAsync(DomainStatsGroups.State, cancellationToken: Token)).Parameters);
    }

    [Fact]
    public async Task An_unknown_run_state_that_runs_is_running()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-status", FakeQmp.Return("""{"running": true, "status": "sprinting"}"""));

        Assert.Equal(new DomainStateInfo(DomainState.Running, 0), await session.Domain.GetStateAsync(Token));
    }

    [Fact]
    public async Task After_a_resume_it_is_running_because_it_was_unpaused()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await fake.SendAsync(FakeQmp.Event("STOP"));
        await fake.SendAsync(FakeQmp.Event("RESUME"));
        await session.SettleAsync(fake);

        Assert.Equal(new DomainStateInfo(DomainState.Running, 5), await session.Domain.GetStateAsync(Token));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_an_incoming_migration_it_is_running_because_it_was_migrated(bool isKnownFromTheStart)
    {
        await using FakeQmp fake = FakeQmp.Start();
        if (isKnownFromTheStart)
            fake.Guest.Status = "inmigrate";
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.Guest.Status = "inmigrate";
        Assert.Equal(new DomainStateInfo(DomainState.Paused, 2), await session.Domain.GetStateAsync(Token));
        fake.Guest.Status = "running";
        await fake.SendAsync(FakeQmp.Event("RESUME"));
        await session.SettleAsync(fake);

        Assert.Equal(new DomainStateInfo(DomainState.Running, 2), await session.Domain.GetStateAsync(Token));

        await fake.SendAsync(FakeQmp.Event("STOP"));
        await fake.SendAsync(FakeQmp.Event("RESUME"));
        await session.SettleAsync(fake);
        Assert.Equal(new DomainStateInfo(DomainState.Running, 5), await session.Domain.GetStateAsync(Token));
    }

    [Theory]
    [InlineData("running", DomainListFilter.Running, 1)]
    [InlineData("running", DomainListFilter.Paused, 0)]
    [InlineData("paused", DomainListFilter.Paused, 1)]
    [InlineData("paused", DomainListFilter.Running | DomainListFilter.Paused, 1)]
    [InlineData("suspended", DomainListFilter.Other, 1)]
    [InlineData("running", DomainListFilter.Inactive, 0)]
    [InlineData("running", DomainListFilter.Active | DomainListFilter.Transient, 1)]
    [InlineData("running", DomainListFilter.Persistent, 0)]
    [InlineData("running", DomainListFilter.Shutoff, 0)]
    [InlineData("running", DomainListFilter.NoAutostart | DomainListFilter.NoSnapshot | DomainListFilter.NoCheckpoint, 1)]
    [InlineData("running", DomainListFilter.Autostart, 0)]
    public async Task A_list_filters_by_state(string runState, DomainListFilter filter, int count)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.Guest.Status = runState;

        Assert.Equal(count, (await session.Connection.ListDomainsAsync(filter, Token)).Count);
    }

    [Fact]
    public async Task Unknown_filters_are_refused_in_libvirts_words()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        LibvirtException error = await session.Connection.ListDomainsAsync((DomainListFilter)0x10000, Token).In().FailsAsync(ErrorCode.InvalidArgument);

        Assert.Equal("unsupported flags (0x10000) in function qemuConnectListAllDomains", error.Message);
        Assert.Equal(("qemuConnectListAllDomains", "flags", 0, 0), (error.Str1, error.Str2, error.Int1, error.Int2));
    }

    [Fact]
    public async Task A_monitor_that_breaks_while_a_list_asks_for_states_leaves_its_domain_in_no_state()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-status", FakeQmp.Return("7"));

        Assert.Empty(await session.Connection.ListDomainsAsync(DomainListFilter.Running, Token));
        Assert.Single(await session.Connection.ListDomainsAsync(DomainListFilter.Other, Token));
        Assert.Empty(await session.Connection.GetAllDomainStatsAsync(DomainStatsGroups.All, DomainStatsFlags.Running, Token));
    }

    [Fact]
    public async Task Facts_about_a_local_QEMU_need_no_question()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int commands = fake.Commands.Count;

        Assert.Equal("hvm", await session.Domain.GetOSTypeAsync(Token));
        Assert.False(await session.Domain.IsPersistentAsync(Token));
        Assert.False(await session.Domain.GetAutostartAsync(Token));
        Assert.False(await session.Domain.HasManagedSaveImageAsync(Token));
        Assert.Equal("none", (await session.Connection.GetSecurityModelAsync(Token)).Model);
        Assert.Equal(7_002_022ul, await session.Connection.GetVersionAsync(Token));
        Assert.Equal(commands, fake.Commands.Count);
    }
}
