using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// A refresh that is broken off at any moment, by whatever: the collection period is what it was, or is shown as off, and numbers
/// from before are never called fresh. BALLAST_REFRESH_SEED=N has the moments of that run again.
/// </summary>
[Trait("needs", "qemu")]
public sealed class InterruptedRefreshTests
{
    private const int Hangup = 1, Interrupt = 2, Quit = 3, Kill = 9, Terminate = 15;

    /// <summary>For looks, which a busy machine must not break off.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Long enough that no period of the test makes a report fresh.</summary>
    private static readonly TimeSpan Later = TimeSpan.FromHours(3);

    private static readonly (ushort Tag, ulong Value)[] Report =
        [(VirtioTag.FreeMemory, 5 << 20), (VirtioTag.TotalMemory, 30 << 20), (VirtioTag.AvailableMemory, 7 << 20)];

    private enum Breaker
    {
        /// <summary>The program that asks QEMU itself gets a signal.</summary>
        Program,

        /// <summary>The same of one that asks a daemon.</summary>
        Client,

        /// <summary>The daemon gets one.</summary>
        Daemon,

        /// <summary>The connection is closed under the call.</summary>
        Closing,
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task At_fifty_moments_the_period_stays_or_is_shown_as_off() => RunAsync(50);

    [Fact]
    [Trait("speed", "long")]
    public Task At_a_thousand_moments_the_period_stays_or_is_shown_as_off() => RunAsync(1000);

    [Fact]
    public async Task A_QEMU_that_dies_under_it_is_an_error_and_nothing_fresh()
    {
        for (int i = 0; i < 5; i++)
        {
            await using DrivenGuest guest = await DrivenGuest.StartAsync(cancellationToken: Token);
            await guest.InitialiseDriverAsync(Token);
            await guest.ReportAsync(Report, Token);
            Task<CommandResult> asking = BallastProgram.RunAsync(Token, "-c", $"qmp://{guest.MonitorPath}?timeout=10s", "dommemstat", $"{guest.Pid}", "--refresh", "--json");
            await Task.Delay(10 * i, Token);
            ChildProcess.Terminate(guest.Pid);
            CommandResult result = await asking;
            Assert.True(result.ExitCode != 0 || !result.Output.Contains("\"reason\": \"fresh\"", StringComparison.Ordinal), result.Output + result.Errors);
        }
    }

    private static async Task RunAsync(int count)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("BALLAST_REFRESH_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out int given)
            ? given : Random.Shared.Next();
        Random random = new(seed);
        await using DrivenGuest guest = await DrivenGuest.StartAsync(cancellationToken: Token);
        await guest.InitialiseDriverAsync(Token);
        OracleMonitor oracle = await guest.OracleAsync(Token);
        BallastDaemon? daemon = null;
        try
        {
            for (int i = 0; i < count; i++)
            {
                Breaker breaker = (Breaker)random.Next(4);
                int signal = new[] { Hangup, Interrupt, Quit, Terminate, Kill }[random.Next(5)];
                int period = new[] { 0, 30, 3600 }[random.Next(3)];
                bool answers = random.Next(4) != 0;
                string story = $"seed {seed}, moment {i}: {breaker}, signal {signal}, period {period}, {(answers ? "answers" : "does not answer")}";

                await oracle.SetPollingIntervalAsync(guest.BalloonPath, 0, Token);
                await guest.AnswerPollsAsync(Report, Token);
                await oracle.SetPollingIntervalAsync(guest.BalloonPath, period, Token);
                if (!answers)
                    guest.StopAnswering();
                if (breaker is Breaker.Client or Breaker.Daemon && daemon is null)
                    daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath);
                else if (breaker is not (Breaker.Client or Breaker.Daemon) && daemon is not null)
                    daemon = await EndAsync(daemon);

                TimeSpan moment = TimeSpan.FromMilliseconds(random.NextDouble() * 40);
                await BreakOffAsync(breaker, signal, guest, daemon, moment);
                if (breaker == Breaker.Daemon)
                    daemon = await EndAsync(daemon!);

                // What a daemon began for a client that was killed, it ends.
                await CheckAsync(guest, oracle, daemon, period, wasKilled: signal == Kill && breaker is Breaker.Program or Breaker.Daemon, story);
            }
        }
        finally
        {
            if (daemon is not null)
                await daemon.DisposeAsync();
        }
    }

    private static async Task<BallastDaemon?> EndAsync(BallastDaemon daemon)
    {
        daemon.Signal(Terminate);
        await daemon.WaitForExitAsync(Token);
        await daemon.DisposeAsync();
        return null;
    }

    private static async Task BreakOffAsync(Breaker breaker, int signal, DrivenGuest guest, BallastDaemon? daemon, TimeSpan moment)
    {
        string direct = $"qmp://{guest.MonitorPath}?timeout=300ms";
        if (breaker == Breaker.Closing)
        {
            Connection connection = await Connection.OpenAsync(direct, cancellationToken: Token);
            Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
            Task asking = domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask();
            await Task.Delay(moment / 10, Token);
            await connection.DisposeAsync();
            await asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        string uri = breaker == Breaker.Program ? direct : daemon!.Uri;
        await using ChildProcess program = await ChildProcess.StartAsync(
            "sh", ["-c", "exec \"$@\" >/dev/null", "sh", BallastProgram.Path, "-c", uri, "dommemstat", $"{guest.Pid}", "--refresh"]);
        await Task.Delay(moment, Token);
        if (breaker == Breaker.Daemon)
        {
            daemon!.Signal(signal == Quit ? Terminate : signal);

            // A hangup has it read its configuration again; it goes on.
            if (signal != Hangup)
                await daemon.WaitForExitAsync(Token);
        }
        else
        {
            program.Signal(signal);
        }

        await program.WaitForExitAsync(Token);
    }

    private static async Task CheckAsync(DrivenGuest guest, OracleMonitor oracle, BallastDaemon? daemon, int period, bool wasKilled, string story)
    {
        const int day = 86400;
        long left = -1;
        try
        {
            // A daemon goes on with what its client left, as long as a guest may take.
            await Deadline.UntilAsync(TimeSpan.FromSeconds(10), "the period", async token =>
            {
                left = await oracle.PollingIntervalAsync(guest.BalloonPath, token);
                return IsPossible(left);
            }, Token);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{story}: the period is {left}");
        }

        // By a clock three hours on, whatever the guest said before is old.
        string uri = daemon?.Uri ?? $"qmp://{guest.MonitorPath}";
        if (daemon is null)
        {
            ShiftedTime time = new() { Shift = Later };
            await using Connection reader = await Connection.OpenAsync(uri, new ConnectionOptions { ReadOnly = true, TimeProvider = time, Timeout = Patience }, Token);
            MemoryStats sample = await Assert.Single(await reader.ListDomainsAsync(cancellationToken: Token)).GetMemoryStatsAsync(cancellationToken: Token);

            // QEMU may have read what a killed program wrote only after that look; when it took the reader, it was done with it.
            left = await oracle.PollingIntervalAsync(guest.BalloonPath, Token);
            Assert.True(IsPossible(left), $"{story}: the period is {left} at last");
            Assert.True(sample.Freshness != Freshness.Fresh, $"{story}: fresh, though {sample.Age} old");
            Assert.True(sample.Period == TimeSpan.FromSeconds(left is day ? 0 : left), $"{story}: said to be {sample.Period}, is {left}");
            Assert.True(left is not (0 or day) || sample.Reason == MemoryStatsReason.PollingOff, $"{story}: {sample.Reason}");
            if (left != day)
                return;
            await using Connection writer = await Connection.OpenAsync(uri, new ConnectionOptions { TimeProvider = time, Timeout = Patience }, Token);
            _ = await Assert.Single(await writer.ListDomainsAsync(cancellationToken: Token)).GetMemoryStatsAsync(cancellationToken: Token);
            Assert.True(await oracle.PollingIntervalAsync(guest.BalloonPath, Token) == 0, $"{story}: not put back");
            return;
        }

        await using Connection client = await Connection.OpenAsync(uri, cancellationToken: Token);
        Domain domain = Assert.Single(await client.ListDomainsAsync(cancellationToken: Token));
        TimeSpan? seen = null;
        await Deadline.UntilAsync(
            Patience, "an answer", async token => (seen = (await domain.GetMemoryStatsAsync(cancellationToken: token)).Period) is not null, Token);
        Assert.True(seen == TimeSpan.FromSeconds(left is day ? 0 : left), $"{story}: said to be {seen}, is {left}");

        bool IsPossible(long found) => found == period || (wasKilled && found == (period == 0 ? day : 0));
    }
}
