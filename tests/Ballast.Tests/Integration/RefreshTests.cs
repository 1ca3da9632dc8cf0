using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A real guest reports at once, and its owner's period is what it was.</summary>
[Trait("needs", "qemu")]
public sealed class RefreshTests
{
    private const int Hour = 3600;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Hour)]
    [InlineData(0)]
    public async Task A_real_Linux_reports_at_once_and_the_period_is_as_before(int period)
    {
        await using LinuxGuest guest = await LinuxGuest.StartAsync(new LinuxGuestOptions { Name = "linux" }, Token);
        OracleMonitor oracle = await guest.OracleAsync(Token);
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{guest.MonitorPath}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        await domain.SetPeriodAsync(Hour, cancellationToken: Token);
        await domain.SetPeriodAsync(period, cancellationToken: Token);
        ulong idle = (await domain.RefreshMemoryStatsAsync(cancellationToken: Token)).UnusedKiB!.Value;

        const int mib = 1024;
        _ = await guest.CommandAsync("alloc 60", cancellationToken: Token);
        MemoryStats sample = await domain.RefreshMemoryStatsAsync(cancellationToken: Token);

        Assert.True(sample.UnusedKiB + (50 * mib) < idle, $"{sample.UnusedKiB} KiB unused after allocating 60 MiB of {idle}");
        Assert.Equal(Freshness.Fresh, sample.Freshness);
        Assert.Equal(period, await oracle.PollingIntervalAsync(LinuxGuest.BalloonPath, Token));

        // Again and again within one second, though nothing changed.
        for (int i = 0; i < 5; i++)
            Assert.Equal(Freshness.Fresh, (await domain.RefreshMemoryStatsAsync(cancellationToken: Token)).Freshness);

        await connection.DisposeAsync();
        CommandResult text = await BallastProgram.RunAsync(Token, "-c", $"qmp://{guest.MonitorPath}", "dommemstat", "linux", "--refresh");
        Assert.Equal((0, ""), (text.ExitCode, text.Errors));
        Assert.Contains("unused ", text.Output, StringComparison.Ordinal);
        Assert.Equal(period, await oracle.PollingIntervalAsync(LinuxGuest.BalloonPath, Token));
    }

    [Theory]
    [InlineData(Hour)]
    [InlineData(0)]
    public async Task A_guest_that_does_not_answer_keeps_its_period_also_when_the_caller_gives_up(int period)
    {
        await using Opened guest = await Opened.StartAsync(timeout: TimeSpan.FromMilliseconds(500));
        await guest.Driven.InitialiseDriverAsync(Token);
        await guest.Domain.SetPeriodAsync(period, cancellationToken: Token);
        OracleMonitor oracle = await guest.Driven.OracleAsync(Token);
        using CancellationTokenSource cancel = new(TimeSpan.FromMilliseconds(20));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await guest.Domain.RefreshMemoryStatsAsync(cancellationToken: cancel.Token));
        MemoryStats sample = await guest.Domain.RefreshMemoryStatsAsync(cancellationToken: Token);

        Assert.NotEqual(Freshness.Fresh, sample.Freshness);
        Assert.Equal(period, await oracle.PollingIntervalAsync(guest.Driven.BalloonPath, Token));
    }
}
