using System.Globalization;
using System.Text.Json;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// What a real Linux uses, beside its own /proc/meminfo: with both kinds of balloon drivers, whatever its memory is used for.
/// </summary>
[Trait("needs", "qemu")]
public sealed class UsedMemoryGuestTests
{
    private const int MiB = 1024, WholeMib = 384, ModuleMib = 128;

    // Between two reports an idle guest's numbers move by a little.
    private const long Slack = 3 * MiB;

    private const long Quiet = MiB / 2;
    private const int Attempts = 10;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Used_is_what_the_guest_itself_says_without_the_balloon(bool deflates, bool throughDaemon)
    {
        await using LinuxGuest guest = await LinuxGuest.StartAsync(
            new LinuxGuestOptions { Name = "linux", MemoryMib = WholeMib, Slots = 2, Balloon = $"virtio-balloon-pci,id=balloon0,deflate-on-oom={(deflates ? "on" : "off")}" }, Token);
        OracleMonitor oracle = await guest.OracleAsync(Token);
        await using BallastDaemon? daemon = throughDaemon ? await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath) : null;
        await using Connection connection = await Connection.OpenAsync(
            daemon?.Uri ?? $"qmp://{guest.MonitorPath}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20), DaemonTimeout = TimeSpan.FromSeconds(40) }, Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));

        long idle = await CheckAsync(guest, domain, WholeMib, deflates);
        await MoveAsync(domain, WholeMib / 2);
        long ballooned = await CheckAsync(guest, domain, WholeMib, deflates);
        Assert.InRange(ballooned, idle - (8 * MiB), idle + (8 * MiB));
        idle = ballooned;

        _ = await guest.CommandAsync("alloc 30", cancellationToken: Token);
        Assert.InRange(await CheckAsync(guest, domain, WholeMib, deflates), idle + (20 * MiB), idle + (45 * MiB));
        _ = await guest.CommandAsync("free", cancellationToken: Token);
        _ = await guest.CommandAsync("tmpfs 20", cancellationToken: Token);
        Assert.InRange(await CheckAsync(guest, domain, WholeMib, deflates), idle + (10 * MiB), idle + (35 * MiB));

        await ResetAsync(guest, oracle, domain);

        // The target outlives a reset, and the new system's driver moves there.
        await MoveAsync(domain, WholeMib / 2);
        _ = await CheckAsync(guest, domain, WholeMib, deflates);

        await MoveAsync(domain, WholeMib);
        long before = (await guest.ReadMemoryAsync(Token)).Total;
        _ = await oracle.ExecuteAsync(
            "object-add", Arguments($$"""{"qom-type": "memory-backend-ram", "id": "m1", "size": {{ModuleMib * 1048576L}} }"""), cancellationToken: Token);
        _ = await oracle.ExecuteAsync("device_add", Arguments("""{"driver": "pc-dimm", "id": "d1", "memdev": "m1"}"""), cancellationToken: Token);
        await Deadline.UntilAsync(Deadline.Default, "the module to be used", async token =>
            (await guest.ReadMemoryAsync(token)).Total > before + (ModuleMib / 2 * MiB), Token);
        _ = await CheckAsync(guest, domain, WholeMib + ModuleMib, deflates);
        await MoveAsync(domain, WholeMib);
        _ = await CheckAsync(guest, domain, WholeMib + ModuleMib, deflates);
    }

    private static JsonElement Arguments(string json) => JsonDocument.Parse(json).RootElement;

    /// <summary>Old numbers are not called fresh between a reset and the report of the system that comes.</summary>
    private static async Task ResetAsync(LinuxGuest guest, OracleMonitor oracle, Domain domain)
    {
        await domain.SetPeriodAsync(60, cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.Fresh, (await domain.RefreshMemoryStatsAsync(cancellationToken: Token)).Reason);
        _ = await oracle.ExecuteAsync("system_reset", cancellationToken: Token);
        Task boot = guest.WaitForBootAsync(TimeSpan.FromSeconds(120), Token);
        bool wasOld = false;
        while (!boot.IsCompleted)
        {
            MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
            wasOld |= sample.Reason is MemoryStatsReason.NeverReported or MemoryStatsReason.DriverNotLoaded;
            await Task.Delay(20, Token);
        }

        await boot;
        Assert.True(wasOld, "no sample said that its numbers are from before the reset");
        Assert.Equal(MemoryStatsReason.Fresh, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
        await domain.SetPeriodAsync(0, cancellationToken: Token);
    }

    private static async Task MoveAsync(Domain domain, int mib)
    {
        await domain.SetMemoryAsync((ulong)mib * MiB, cancellationToken: Token);
        await Deadline.UntilAsync(TimeSpan.FromSeconds(60), string.Create(CultureInfo.InvariantCulture, $"a balloon that leaves {mib} MiB"), async token =>
            (await domain.GetMemoryStatsAsync(cancellationToken: token)).ActualKiB == (ulong)mib * MiB, Token);
    }

    /// <summary>Used, usable and available between a report before and one after the guest was asked itself.</summary>
    private static async Task<long> CheckAsync(LinuxGuest guest, Domain domain, int wholeMib, bool deflates)
    {
        (MemoryStats before, GuestMemory truth, MemoryStats after) = await AskWhenQuietAsync(guest, domain);
        Assert.Equal((Freshness.Fresh, MemoryStatsInconsistency.None), (after.Freshness, after.Inconsistencies));
        Assert.Equal((ulong)truth.Total, after.AvailableKiB);
        Between(truth.Available, before.UsableKiB, after.UsableKiB);

        // Without the feature the kernel took the balloon off its MemTotal.
        long balloon = deflates ? ((long)wholeMib * MiB) - (long)after.ActualKiB!.Value : 0;
        Between(truth.Total - truth.Available - balloon, before.Used?.KiB, after.Used?.KiB);
        Assert.Equal(
            balloon == 0 ? UsedMemoryFormula.AvailableMinusUsable : UsedMemoryFormula.AvailableMinusUsableMinusBalloon, after.Used!.Value.Formula);
        return (long)after.Used.Value.KiB;
    }

    // What a guest frees late, or a driver still moves, is no difference between two that tell the same.
    private static async Task<(MemoryStats Before, GuestMemory Truth, MemoryStats After)> AskWhenQuietAsync(LinuxGuest guest, Domain domain)
    {
        for (int attempt = 1; ; attempt++)
        {
            GuestMemory first = await guest.ReadMemoryAsync(Token);
            MemoryStats before = await domain.RefreshMemoryStatsAsync(cancellationToken: Token);
            GuestMemory truth = await guest.ReadMemoryAsync(Token);
            MemoryStats after = await domain.RefreshMemoryStatsAsync(cancellationToken: Token);
            GuestMemory last = await guest.ReadMemoryAsync(Token);
            long[] available = [first.Available, truth.Available, last.Available];
            if (attempt == Attempts || available.Max() - available.Min() < Quiet)
                return (before, truth, after);
        }
    }

    private static void Between(long truth, ulong? before, ulong? after) =>
        Assert.InRange(truth, Math.Min((long)before!.Value, (long)after!.Value) - Slack, Math.Max((long)before.Value, (long)after.Value) + Slack);
}
