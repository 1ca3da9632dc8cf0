using Ballast.Balance.Advice;
using Ballast.Tests.Cli;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>Guests that do not report any more: from when on nothing is taken from them.</summary>
public sealed class StaleReportTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    [Theory]
    [InlineData(15u)]
    [InlineData(30u)]
    [InlineData(60u)]
    [InlineData(600u)]
    public void What_the_policy_does_not_believe_the_guards_do_not_either(uint period)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 800 * KiB));
        AdviceGuest guest = new("guest") { ReportedAt = 0, Unused = 700, With = facts => facts with { PeriodSeconds = period } };
        for (double time = 0; time <= 90; time += 5)
        {
            GuestAdvice advice = Assert.Single(advisor.Advise(See(time, guest), time).Guests);
            if (time > 30)
                Assert.True(advice.Target is null, $"At {time} s {advice.Target} MiB are advised: {advice.Reason}");
            else if (time > 0)
                Assert.Equal(AdviceKind.Take, advice.Kind);
        }
    }

    // Asked in vain, as where the driver was unloaded; the report before it stays fresh for two periods.
    [Theory]
    [InlineData(null, true)]
    [InlineData(ErrorCode.NoSupport, false)]
    [InlineData(ErrorCode.AccessDenied, false)]
    [InlineData(ErrorCode.ResourceBusy, false)]
    public async Task A_guest_that_was_asked_for_a_report_and_gave_none_is_left_alone(ErrorCode? failure, bool isLeft)
    {
        SeenHost seen = await LookAsync(failure, answer: Facts(age: 20));
        GuestAdvice advice = Assert.Single(Advise(seen).Guests);
        Assert.Equal(isLeft ? AdviceKind.Leave : AdviceKind.Take, advice.Kind);
        Assert.Equal(isLeft, advice.Reason.Contains("gave none", StringComparison.Ordinal));
    }

    // Its monitor's trouble, not its driver's.
    [Theory]
    [InlineData(ErrorCode.OperationTimeout, MemoryStatsReason.MonitorHung, "It is unknown what it needs now (monitor hung).")]
    [InlineData(ErrorCode.ResourceBusy, MemoryStatsReason.MonitorBusy, "It is unknown what it needs now (monitor busy).")]
    [InlineData(ErrorCode.SystemError, MemoryStatsReason.ConnectionLost, "It is unknown what it needs now (connection lost).")]
    [InlineData(ErrorCode.OperationInvalid, null, "It is paused.")]
    public async Task A_guest_that_could_not_be_asked_is_left_alone_for_what_kept_it_from_that(ErrorCode failure, MemoryStatsReason? obstacle, string reason)
    {
        SeenHost seen = await LookAsync(failure, Facts(age: 20), Facts(age: 20) with { Obstacle = obstacle, IsRunning = obstacle is not null });
        Assert.False(Assert.Single(seen.Guests).HasNotAnswered);
        GuestAdvice advice = Assert.Single(Advise(seen).Guests);
        Assert.Equal((AdviceKind.Leave, reason), (advice.Kind, advice.Reason));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_guest_that_answers_is_advised_about(int age) =>
        Assert.Equal(AdviceKind.Take, Assert.Single(Advise(await LookAsync(null, Facts(age))).Guests).Kind);

    private static HostAdvice Advise(SeenHost seen)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 800 * KiB));
        SeenHost host = seen with { Memory = Host };
        advisor.Learn(host, 100);
        return advisor.Advise(host, 101);
    }

    /// <param name="failure">Why it cannot be asked for a report; null: it can be.</param>
    /// <param name="answer">What it answers to that.</param>
    /// <param name="then">What its next sample says.</param>
    private static async Task<SeenHost> LookAsync(ErrorCode? failure, MemoryStatsFacts answer, MemoryStatsFacts? then = null)
    {
        FakeDomain domain = new("guest", 1) { Facts = then ?? Facts(age: 20) };
        domain.Coming.Enqueue(static () => Facts(age: 20));
        FakeDriver driver = new(domain) { RefreshFailure = failure ?? ErrorCode.NoSupport, Refreshed = failure is null ? () => answer.ToSample(Now) : null };
        await using Connection connection = new(driver, "fake:///", new ConnectionOptions());
        return await HostSampler.LookAsync(connection, null, refresh: true, TestContext.Current.CancellationToken);
    }

    private static MemoryStatsFacts Facts(int age) => new()
    {
        Entries =
        [
            new(MemoryStatTag.SwapIn, 0), new(MemoryStatTag.SwapOut, 0), new(MemoryStatTag.MajorFault, 0), new(MemoryStatTag.Unused, 700 * KiB),
            new(MemoryStatTag.Available, 1024 * KiB), new(MemoryStatTag.ActualBalloon, 1024 * KiB), new(MemoryStatTag.Rss, 1024 * KiB),
            new(MemoryStatTag.LastUpdate, (ulong)Now.AddSeconds(-age).ToUnixTimeSeconds()), new(MemoryStatTag.Usable, 800 * KiB), new(MemoryStatTag.DiskCaches, 100 * KiB),
        ],
        PeriodSeconds = 30,
        IsRunning = true,
    };
}
