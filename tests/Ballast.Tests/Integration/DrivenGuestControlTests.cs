using System.Diagnostics;
using Ballast.Drivers.Qemu;
using Ballast.Guests;
using QemuProcess = Ballast.Guests.QemuProcess;

namespace Ballast.Tests.Integration;

/// <summary>Steering a guest, and guests and QEMUs that do not play along.</summary>
[Trait("needs", "qemu")]
public sealed class DrivenGuestControlTests
{
    private const uint PagesPerMib = 256;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_domain_is_who_qemu_says()
    {
        Guid uuid = Guid.NewGuid();
        await using Opened named = await Opened.StartAsync(new DrivenGuestOptions { Name = "guest=alpha,debug-threads=on", Uuid = uuid });
        Assert.Equal(("alpha", uuid, named.Driven.Pid), (named.Domain.Name, named.Domain.Uuid, named.Domain.Id));
        Assert.Equal(named.Domain.Uuid, (await named.Connection.LookupByNameAsync("alpha", Token)).Uuid);
        Assert.Equal(named.Domain.Uuid, (await named.Connection.LookupByIdAsync(named.Driven.Pid, Token)).Uuid);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await named.Connection.LookupByNameAsync("zz", Token));
        Assert.Equal(
            (ErrorCode.NoDomain, ErrorOrigin.Qemu, "Domain not found: no domain with matching name 'zz'"),
            (error.Code, error.Origin, error.Message));

        await using Opened nameless = await Opened.StartAsync();
        Assert.Equal($"qemu-{nameless.Driven.Pid}", nameless.Domain.Name);
        Assert.Equal(8, nameless.Domain.Uuid.Version);

        DomainInfo info = await named.Domain.GetInfoAsync(Token);
        Assert.Equal((DomainState.Running, 32768u, 32768u, 1), (info.State, info.MaxMemoryKiB, info.MemoryKiB, info.VirtualCpus));
        Assert.True(info.CpuTime > TimeSpan.Zero);
        Assert.Equal("hvm", await named.Domain.GetOSTypeAsync(Token));
        Assert.False(await named.Domain.IsPersistentAsync(Token));
    }

    [Fact]
    public async Task Setmem_moves_the_target_and_actual_follows_the_guest_not_the_host()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Domain.SetMemoryAsync(20 * 1024, cancellationToken: Token);
        await guest.Driven.WaitForTargetPagesAsync(12 * PagesPerMib, cancellationToken: Token);

        // A balloon that never moves: asking again changes nothing, and nothing pretends otherwise.
        Assert.Equal(32768u, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
        Assert.Equal(32768u, (await guest.Domain.GetInfoAsync(Token)).MemoryKiB);

        await guest.Driven.WriteActualPagesAsync(5 * PagesPerMib, Token);
        Assert.Equal((32u - 5) * 1024, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
        await guest.Driven.WriteActualPagesAsync(12 * PagesPerMib, Token);
        Assert.Equal(20u * 1024, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
        Assert.Equal(20u * 1024, (await guest.Domain.GetInfoAsync(Token)).MemoryKiB);
    }

    [Theory]
    [InlineData(0, ErrorCode.InvalidArgument, "memory in virDomainSetMemoryFlags must not be zero")]
    [InlineData(32769, ErrorCode.InvalidArgument, "invalid argument: cannot set memory higher than max memory")]
    [InlineData(9007199254740991, ErrorCode.Overflow, "numerical overflow: input too large: 9007199254740991")]
    public async Task Setmem_has_libvirts_checks(ulong kib, ErrorCode code, string message)
    {
        await using Opened guest = await Opened.StartAsync();
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await guest.Domain.SetMemoryAsync(kib, cancellationToken: Token));
        Assert.Equal((code, message), (error.Code, error.Message));
        Assert.Equal(0u, await guest.Driven.ReadTargetPagesAsync(Token));
    }

    [Fact]
    public async Task A_stopped_qemu_costs_one_deadline_then_nothing_and_is_revived_by_its_first_answer()
    {
        TimeSpan timeout = TimeSpan.FromMilliseconds(500);
        await using Opened guest = await Opened.StartAsync(timeout: timeout);
        MemoryStat[] stats = new MemoryStat[13];
        await guest.Domain.FillMemoryStatsAsync(stats, cancellationToken: Token);
        await guest.Driven.Process.StopAsync(Token);

        Stopwatch watch = Stopwatch.StartNew();
        LibvirtException first = await Assert.ThrowsAsync<LibvirtException>(async () => await guest.Domain.FillMemoryStatsAsync(stats, cancellationToken: Token));
        Assert.Equal((ErrorCode.OperationTimeout, ErrorOrigin.Qemu), (first.Code, first.Origin));
        Assert.Contains("did not answer within 0.5 s", first.Message, StringComparison.Ordinal);
        Assert.True(watch.Elapsed >= timeout);

        // Known to be hung: these fail without waiting, and without sending anything.
        long sent = CommandsSent(guest);
        LibvirtException second = await Assert.ThrowsAsync<LibvirtException>(async () => await guest.Domain.FillMemoryStatsAsync(stats, cancellationToken: Token));
        Assert.Contains("it was not asked again", second.Message, StringComparison.Ordinal);
        MemoryStats sample = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.MonitorHung, sample.Reason);
        Assert.NotNull(sample.RssKiB);
        Assert.Null(sample.ActualKiB);
        LibvirtException write = await Assert.ThrowsAsync<LibvirtException>(async () => await guest.Domain.SetMemoryAsync(1024, cancellationToken: Token));
        Assert.Equal(ErrorCode.OperationTimeout, write.Code);
        Assert.Equal(DomainState.NoState, (await guest.Domain.GetStateAsync(Token)).State);
        DomainStatsRecord record = Assert.Single(await guest.Connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token));
        Assert.Equal(["balloon.current", "balloon.maximum"], record.Parameters.Select(parameter => parameter.Field));
        Assert.Equal(sent, CommandsSent(guest));

        guest.Driven.Process.Continue();
        await Deadline.UntilAsync(Deadline.Default, "the monitor to be revived", async token =>
        {
            try
            {
                return await guest.Domain.FillMemoryStatsAsync(stats, cancellationToken: token) == 3;
            }
            catch (LibvirtException e) when (e.Code == ErrorCode.OperationTimeout)
            {
                return false;
            }
        }, Token);
    }

    [Fact]
    public async Task A_write_that_qemu_took_and_did_not_answer_may_still_take_effect_and_is_not_hidden()
    {
        await using Opened guest = await Opened.StartAsync(timeout: TimeSpan.FromMilliseconds(500));
        await guest.Driven.Process.StopAsync(Token);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(
            async () => await guest.Domain.SetPeriodAsync(9, cancellationToken: Token));
        Assert.Equal(ErrorCode.OperationTimeout, error.Code);
        Assert.Contains("it may still take effect", error.Message, StringComparison.Ordinal);
        guest.Driven.Process.Continue();
        OracleMonitor oracle = await guest.Driven.OracleAsync(Token);
        await Deadline.UntilAsync(Deadline.Default, "the late effect",
            async token => await oracle.PollingIntervalAsync(guest.Driven.BalloonPath, token) == 9, Token);
    }

    [Fact]
    public async Task Two_connections_of_one_process_share_one_monitor()
    {
        await using Opened guest = await Opened.StartAsync();
        await using (Connection second = await Connection.OpenAsync($"qmp://{guest.Driven.MonitorPath}", cancellationToken: Token))
        {
            Domain same = await second.LookupByUuidAsync(guest.Domain.Uuid, Token);
            Assert.Equal(
                (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB,
                (await same.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
        }

        Assert.NotNull((await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
    }

    [Fact]
    public async Task Sixty_four_callers_at_once_need_two_queries()
    {
        await using Opened guest = await Opened.StartAsync();
        MemoryStat[][] buffers = [.. Enumerable.Range(0, 64).Select(_ => new MemoryStat[13])];
        await guest.Domain.FillMemoryStatsAsync(buffers[0], cancellationToken: Token);

        // While QEMU is stopped all of them come to wait: one asks at once, the others share the next query.
        await guest.Driven.Process.StopAsync(Token);
        long before = CommandsSent(guest);
        Task<int>[] calls = [.. buffers.Select(buffer => guest.Domain.FillMemoryStatsAsync(buffer, cancellationToken: Token).AsTask())];
        guest.Driven.Process.Continue();
        int[] counts = await Task.WhenAll(calls);
        Assert.All(counts, count => Assert.Equal(3, count));
        Assert.Equal(4, CommandsSent(guest) - before);
    }

    [Fact]
    public async Task A_qemu_that_exits_is_gone_with_a_typed_error_and_its_place_can_be_taken()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Driven.Process.StopAsync(Token);
        Task<int> call = guest.Domain.FillMemoryStatsAsync(new MemoryStat[13], cancellationToken: Token).AsTask();
        guest.Driven.Process.Kill();
        LibvirtException during = await Assert.ThrowsAsync<LibvirtException>(() => call);
        Assert.True(during.Code is ErrorCode.NoDomain or ErrorCode.SystemError, during.Message);
        await guest.Driven.Process.WaitForExitAsync(Token);

        LibvirtException after = await Assert.ThrowsAsync<LibvirtException>(async () => await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token));
        Assert.Equal((ErrorCode.NoDomain, ErrorOrigin.Qemu), (after.Code, after.Origin));
        Assert.Equal($"Domain not found: no domain with matching uuid '{guest.Domain.Uuid}' ({guest.Domain.Name})", after.Message);
        Assert.Empty(await guest.Connection.ListDomainsAsync(cancellationToken: Token));

        await using QemuProcess successor = await QemuProcess.StartAsync(
            new QemuOptions
            {
                Arguments = ["-S", "-accel", "tcg", "-M", "none", "-nodefaults", "-display", "none", "-name", "successor",
                    "-qmp", $"unix:{guest.Driven.MonitorPath},server=on,wait=off"],
            }, Token);
        Domain next = Assert.Single(await guest.Connection.ListDomainsAsync(cancellationToken: Token));
        Assert.Equal(("successor", successor.Pid), (next.Name, next.Id));
    }

    [Fact]
    public async Task A_machine_without_a_balloon_has_only_what_the_host_knows()
    {
        await using QemuProcess qemu = await QemuProcess.StartPcAsync(["-device", "pcie-root-port,id=port0"], cancellationToken: Token);
        await using Connection connection = await Connection.OpenAsync($"qmp://{qemu.MonitorPaths[0]}", cancellationToken: Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        MemoryStats stats = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal([MemoryStatTag.Rss], stats.Entries.Select(entry => entry.Tag));
        Assert.Equal(MemoryStatsReason.NoBalloonDevice, stats.Reason);
        Assert.Equal(MemoryStatsReason.NoBalloonDevice, stats.WhyMissing(MemoryStatTag.ActualBalloon));

        LibvirtException period = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.SetPeriodAsync(1, cancellationToken: Token));
        Assert.Equal(
            (ErrorCode.InternalError, "internal error: No memory balloon device configured, can not set the collection period"),
            (period.Code, period.Message));
        LibvirtException memory = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.SetMemoryAsync(1024, cancellationToken: Token));
        Assert.Equal(
            (ErrorCode.OperationInvalid, "Requested operation is not valid: Unable to change memory of active domain without the balloon device and guest OS balloon driver"),
            (memory.Code, memory.Message));

        // Plugged later, and without an id: found when next asked.
        await using OracleMonitor oracle = await OracleMonitor.ConnectAsync(qemu.MonitorPaths[1], cancellationToken: Token);
        await oracle.ExecuteAsync("device_add", new { driver = "virtio-balloon-pci", bus = "port0" }, cancellationToken: Token);
        stats = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(["actual", "last_update", "rss"], stats.Entries.Select(entry => entry.Tag.Label()));
        await domain.SetPeriodAsync(4, cancellationToken: Token);
        Assert.Equal(4, await domain.GetPeriodAsync(Token));
    }

    [Fact]
    public async Task A_monitor_that_another_program_holds_is_not_touched()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(cancellationToken: Token);
        await using OracleMonitor owner = await OracleMonitor.ConnectAsync(guest.MonitorPath, cancellationToken: Token);
        await using Connection connection = await Connection.OpenAsync($"qmp://{guest.MonitorPath}", cancellationToken: Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        Assert.Equal(guest.Pid, domain.Id);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(
            async () => await domain.FillMemoryStatsAsync(new MemoryStat[13], cancellationToken: Token));
        Assert.Equal((ErrorCode.ResourceBusy, ErrorOrigin.Qemu), (error.Code, error.Origin));
        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
        Assert.NotNull(sample.RssKiB);
        Assert.Equal(DomainState.NoState, (await domain.GetStateAsync(Token)).State);
    }

    private static long CommandsSent(Opened guest) => ((QemuDriver)guest.Connection.Driver).Monitor.CommandsSent;
}
