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
    [InlineData("shutdown", DomainState.Shutdown, 0)]
    [InlineData("guest-panicked", DomainState.Crashed, 1)]
    [InlineData("suspended", DomainState.PMSuspended, 0)]
    [InlineData("state-of-tomorrow", DomainState.Paused, 0)]
    [InlineData("\\u0072unning", DomainState.Paused, 0)]
    public async Task A_run_state_without_a_past_has_its_state_and_reason(string runState, DomainState state, int reason)
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

    [Theory]
    [InlineData("running", PauseCause.Unknown)]
    [InlineData("paused", PauseCause.Waiting)]
    [InlineData("prelaunch", PauseCause.Waiting)]
    [InlineData("inmigrate", PauseCause.Migrating)]
    [InlineData("finish-migrate", PauseCause.Migrating)]
    [InlineData("postmigrate", PauseCause.Migrated)]
    [InlineData("save-vm", PauseCause.Unknown)]
    [InlineData("restore-vm", PauseCause.Restoring)]
    [InlineData("debug", PauseCause.Debugging)]
    [InlineData("internal-error", PauseCause.InternalError)]
    [InlineData("colo", PauseCause.Replicating)]
    [InlineData("io-error", PauseCause.Unknown)]
    [InlineData("state-of-tomorrow", PauseCause.Unknown)]
    public async Task What_states_do_not_tell_apart_is_a_cause_of_its_sample(string runState, PauseCause cause)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.Guest.Status = runState;

        Assert.Equal(cause, (await session.Domain.GetMemoryStatsAsync(cancellationToken: Token)).PauseCause);
    }

    [Fact]
    public async Task An_unknown_run_state_that_runs_is_running()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-status", FakeQmp.Return("""{"running": true, "status": "sprinting"}"""));

        Assert.Equal(new DomainStateInfo(DomainState.Running, 0), await session.Domain.GetStateAsync(Token));
    }

    [Theory]
    [MemberData(nameof(StateTable.Names), MemberType = typeof(StateTable))]
    public async Task A_past_leads_to_its_state_and_its_events(string name)
    {
        StateRow row = StateTable.Row(name);
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Status = row.Past[0];
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using DomainEventSubscription events = await session.Connection.SubscribeAsync(cancellationToken: Token);
        foreach (string step in row.Past[1..])
            await row.TakeStepAsync(fake, step);
        await session.SettleAsync(fake);

        Assert.Equal(row.State, await session.Domain.GetStateAsync(Token));
        Assert.Equal(row.State.State, (await session.Domain.GetInfoAsync(Token)).State);
        Assert.Equal(row.Label, $"{row.State.State.Label()} ({row.State.ReasonLabel})");
        Assert.Equal(row.Events, (await HeardEvents.TakeAsync(events, row.Events.Length + 1, Token))[..^1]);
    }

    /// <summary>Who asks at each step must not be told otherwise at the end than who asks once.</summary>
    [Theory]
    [MemberData(nameof(StateTable.Names), MemberType = typeof(StateTable))]
    public async Task Asking_on_the_way_changes_nothing(string name)
    {
        StateRow row = StateTable.Row(name);
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Status = row.Past[0];
        await using FakeSession session = await FakeSession.AtAsync(fake);
        foreach (string step in row.Past[1..])
        {
            await row.TakeStepAsync(fake, step);

            // Between an event and the run state that it leads to, QEMU answers nobody.
            if (!StateRow.IsEvent(step))
            {
                await session.SettleAsync(fake);
                _ = await session.Domain.GetStateAsync(Token);
            }
        }

        Assert.Equal(row.State, await session.Domain.GetStateAsync(Token));
    }

    /// <summary>A monitor is let go and taken again all day.</summary>
    [Theory]
    [InlineData("running", "running", DomainState.Running, 5)]
    [InlineData("running", "suspended", DomainState.PMSuspended, 0)]
    [InlineData("guest-panicked", "guest-panicked", DomainState.Crashed, 1)]
    [InlineData("guest-panicked", "prelaunch", DomainState.Paused, 10)]
    [InlineData("guest-panicked", "running", DomainState.Running, 5)]
    [InlineData("suspended", "running", DomainState.Running, 8)]
    [InlineData("suspended", "suspended", DomainState.PMSuspended, 0)]
    [InlineData("io-error", "prelaunch", DomainState.Paused, 5)]
    [InlineData("io-error", "running", DomainState.Running, 5)]
    [InlineData("inmigrate", "running", DomainState.Running, 2)]
    [InlineData("running", "paused", DomainState.Paused, 1)]
    public async Task What_was_known_of_a_QEMU_is_kept_while_there_is_no_connection(string before, string after, DomainState state, int reason)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await fake.SendAsync(FakeQmp.Event("STOP"));
        await fake.SendAsync(FakeQmp.Event("RESUME"));
        await session.SettleAsync(fake);
        fake.Guest.Status = before;
        _ = await session.Domain.GetStateAsync(Token);

        await session.BreakAsync(fake);
        fake.Guest.Status = after;

        Assert.Equal(new DomainStateInfo(state, reason), await session.Domain.GetStateAsync(Token));
    }

    [Fact]
    public async Task The_past_of_another_QEMU_does_not_count()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await fake.SendAsync(FakeQmp.Event("STOP"));
        await fake.SendAsync(FakeQmp.Event("RESUME"));
        await session.SettleAsync(fake);
        await session.LoseAsync(fake);
        fake.Guest.Uuid = "6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e12";

        // Only a question finds out that somebody else answers.
        _ = await session.Domain.GetStateAsync(Token).In().FailsAsync(ErrorCode.NoDomain);
        Domain other = Assert.Single(await session.Connection.ListDomainsAsync(cancellationToken: Token));
        Assert.Equal(new DomainStateInfo(DomainState.Running, 1), await other.GetStateAsync(Token));
    }

    /// <summary>An event that comes between two answers of one query is newer than the first of them.</summary>
    [Fact]
    public async Task An_event_behind_the_answer_about_the_run_state_counts()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource isItsTurn = new(), release = new();
        fake.On("query-cpus-fast", async command =>
        {
            isItsTurn.SetResult();
            await release.Task;
            return fake.Guest.Answer(command);
        });
        Task<DomainInfo> call = session.Domain.GetInfoAsync(Token).AsTask();

        // That it came is too early: the answer about the run state goes out before its own.
        await isItsTurn.Task.In();
        await fake.SendAsync(FakeQmp.Event("WATCHDOG", """{"action": "pause"}"""));
        await fake.SendAsync(FakeQmp.Event("STOP"));
        await session.SettleAsync(fake);
        release.SetResult();
        _ = await call.In();

        Assert.Equal(new DomainStateInfo(DomainState.Paused, 6), session.Monitor.State);
    }

    [Fact]
    public async Task Where_the_run_state_is_refused_events_tell()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On("query-status", FakeQmp.Error("GenericError", "not now"));
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using DomainEventSubscription events = await session.Connection.SubscribeAsync(cancellationToken: Token);
        foreach (string name in (string[])["STOP", "RESUME", "SUSPEND", "WAKEUP"])
            await fake.SendAsync(FakeQmp.Event(name));

        Assert.Equal(["Suspended Paused", "Resumed Unpaused", "PMSuspended Memory", "Started Event wakeup"], await HeardEvents.TakeAsync(events, 4, Token));
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
        Assert.Equal(new Version(7, 2, 22), await session.Connection.GetVersionAsync(Token));
        Assert.Equal(commands, fake.Commands.Count);
    }
}
