using Ballast.Balance.Advice;
using Ballast.Balance.Guards;

namespace Ballast.Tests.Balance;

/// <summary>What is told again, and what is taken for a wobble.</summary>
public sealed class AdviceNewsTests
{
    private static readonly SeenGuest Guest = new AdviceGuest("guest").See(0), Other = new AdviceGuest("other-one").See(0);

    private readonly AdviceNews _news = new();

    [Fact]
    public void The_first_advice_is_news_and_the_same_again_is_not()
    {
        Assert.True(Told(Could(100)));
        Assert.False(Told(Could(100)));
        Assert.True(Told(Could(100), Could(100) with { Guest = Other }));
        Assert.True(Told(Could(100) with { Guest = Other }));
        Assert.True(Told());
    }

    [Fact]
    public void An_amount_is_news_if_it_differs_by_a_share_and_stays()
    {
        _ = Told(Could(400));
        foreach (double amount in (double[])[390, 439, 361, 400, 500, 400, 500, 500, 400])
            Assert.False(Told(Could(amount)), $"{amount}");
        Assert.Equal([false, false, true, false], Amounts(500, 510, 500, 500));

        // A tenth of little is little.
        _news.Tell([]);
        _ = Told(Could(30));
        Assert.Equal([false, false, false, false], Amounts(45, 45, 45, 45));
        Assert.Equal([false, false, true], Amounts(47, 47, 47));
    }

    [Fact]
    public void Who_changes_again_and_again_is_told_less_and_less_and_often_again_when_calm()
    {
        // Three looks each way, for a long time.
        _ = Told(Could(100));
        int count = Enumerable.Range(0, 300).Count(i => Told(Could(i / 3 % 2 == 0 ? 200 : 100)));
        Assert.InRange(count, 1, 5);
        Assert.Contains(true, Enumerable.Range(0, AdviceNews.MostLooks).Select(_ => Told(Could(400))).ToArray());
        Assert.DoesNotContain(true, Enumerable.Range(0, 100).Select(_ => Told(Could(400))).ToArray());
        Assert.Equal([false, false, true], Amounts(800, 800, 800));
    }

    [Fact]
    public void Risk_guard_and_reason_are_news_if_they_stay_and_numbers_in_a_reason_are_not()
    {
        foreach (GuestAdvice other in (GuestAdvice[])[Could(100) with { Risk = AdviceRisk.High }, Could(100) with { BoundBy = GuardRule.Floor }, Could(100) with { Reason = "It swaps." }])
        {
            AdviceNews news = new();
            news.Tell([Could(100)]);
            Assert.Equal([false, false, true], ((int[])[1, 2, 3]).Select(_ => news.IsNews([other])));
        }

        _ = Told(Could(100) with { Reason = "It needs 9 MiB." });
        Assert.All(Enumerable.Range(1, 20), i => Assert.False(Told(Could(100) with { Reason = $"It needs {i * 10} MiB." })));
    }

    // Of one that is left alone, no limit counts.
    [Fact]
    public void Whether_limits_could_be_read_is_news_if_it_stays()
    {
        foreach (GuestAdvice known in (GuestAdvice[])[Keep(), Could(100), Wait(20)])
        {
            GuestAdvice unknown = known with { AreLimitsKnown = false };
            foreach ((GuestAdvice before, GuestAdvice now) in ((GuestAdvice, GuestAdvice)[])[(known, unknown), (unknown, known)])
            {
                AdviceNews news = new();
                news.Tell([before]);
                Assert.Equal([false, false, true], ((int[])[1, 2, 3]).Select(_ => news.IsNews([now])));
            }
        }

        _ = Told(Leave("It is paused."));
        Assert.All(Enumerable.Range(0, 50), i => Assert.False(Told(Leave("It is paused.") with { AreLimitsKnown = false }), $"{i}"));
    }

    [Fact]
    public void Who_is_short_or_left_alone_all_of_a_sudden_is_news_at_once()
    {
        _ = Told(Could(100));
        Assert.True(Told(Wait(200)));
        Assert.False(Told(Wait(20)));
        AdviceNews news = new();
        news.Tell([Could(100)]);
        Assert.True(news.IsNews([Leave("It is paused.")]));
        news.Tell([Leave("It is paused.")]);
        Assert.False(news.IsNews([Leave("It is paused.")]));
    }

    [Fact]
    public void Who_is_short_now_is_news_at_once_though_nothing_can_be_advised()
    {
        foreach (GuestAdvice before in (GuestAdvice[])[Keep(), Could(100), Wait(20)])
        {
            AdviceNews news = new();
            news.Tell([before]);
            Assert.True(news.IsNews([Keep() with { IsShort = true }]), $"{before.Kind}");
            news.Tell([before]);
            Assert.True(news.IsNews([Wait(0) with { IsShort = true }]), $"{before.Kind}");
        }

        // At the bound it is told once; that it is no more, when that stays.
        _ = Told(Keep());
        Assert.True(Told(Keep() with { IsShort = true }));
        Assert.All(Enumerable.Range(0, 50), i => Assert.False(Told(Keep() with { IsShort = i % 2 > 0 }), $"{i}"));
        Assert.Contains(true, Enumerable.Range(0, AdviceNews.MostLooks).Select(_ => Told(Keep())).ToArray());
        Assert.True(Told(Keep() with { IsShort = true }));
    }

    [Fact]
    public void To_and_fro_is_told_once_until_it_stays()
    {
        _ = Told(Could(100));
        int count = Enumerable.Range(0, 100).Count(i => Told(i % 2 == 0 ? Leave("It is paused.") : Could(100)));
        Assert.InRange(count, 1, 3);
        Assert.Contains(true, Enumerable.Range(0, AdviceNews.MostLooks).Select(_ => Told(Keep())).ToArray());
    }

    [Fact]
    public void A_short_guest_is_told_though_it_reports_late_every_other_look()
    {
        _ = Told(Could(100));
        Assert.True(Told(Leave("It is old.")));
        Assert.True(Told(Wait(2048)));

        // Whether its report is old or not is told no more, once it was said that it is short.
        Assert.All(Enumerable.Range(0, 50), i => Assert.False(Told(i % 2 == 0 ? Leave("It is old.") : Wait(2048)), $"{i}"));
    }

    [Fact]
    public void Who_is_short_by_twice_as_much_all_of_a_sudden_is_news_at_once_and_to_and_fro_only_once()
    {
        _ = Told(Wait(50));
        Assert.False(Told(Wait(99)));
        Assert.True(Told(Wait(5000)));
        Assert.All(Enumerable.Range(0, 50), i => Assert.False(Told(Wait(i % 2 == 0 ? 50 : 5000)), $"{i}"));

        // Twice as little is little.
        AdviceNews news = new();
        news.Tell([Wait(16)]);
        Assert.False(news.IsNews([Wait(32)]));
        Assert.True(news.IsNews([Wait(48)]));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(24)]
    [InlineData(31)]
    public void That_a_guest_is_short_by_little_is_told_when_it_stays_and_taken_back(double amount)
    {
        _ = Told(Keep());
        Assert.Equal([false, false, true], ((int[])[1, 2, 3]).Select(_ => Told(Wait(amount))));
        Assert.Contains(true, Enumerable.Range(0, AdviceNews.MostLooks).Select(_ => Told(Keep())).ToArray());
    }

    [Fact]
    public void Whether_anything_is_advised_changes_only_by_what_is_worth_it()
    {
        _ = Told(Keep());
        Assert.All(Enumerable.Range(0, 50), i => Assert.False(Told(i % 3 == 0 ? Keep() : Could(16 + (i % 15)))));
        Assert.Equal([false, false, true], Amounts(40, 40, 40));
    }

    private static GuestAdvice Keep() => new() { Guest = Guest, Kind = AdviceKind.Keep, Balloon = 1024, Reason = "It has what it needs." };

    private static GuestAdvice Could(double amount) =>
        Keep() with { Kind = AdviceKind.Could, Target = 1024 - amount, Risk = AdviceRisk.Low, Reason = "It needs 100 MiB." };

    private static GuestAdvice Wait(double amount) => Keep() with { Kind = AdviceKind.Wait, Short = amount, Reason = "It needs 2000 MiB." };

    private static GuestAdvice Leave(string reason) => Keep() with { Kind = AdviceKind.Leave, Reason = reason };

    private bool[] Amounts(params double[] amounts) => [.. amounts.Select(amount => Told(Could(amount)))];

    private bool Told(params GuestAdvice[] guests)
    {
        bool isNews = _news.IsNews(guests);
        if (isNews)
            _news.Tell(guests);
        return isNews;
    }
}
