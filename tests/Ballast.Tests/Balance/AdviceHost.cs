using Ballast.Balance.Advice;

namespace Ballast.Tests.Balance;

/// <summary>A host of 8 GiB, half of it free, and looks at the guests that are made up on it.</summary>
internal static class AdviceHost
{
    public const ulong KiB = 1024;

    public static HostMemory Host { get; } = new() { Reason = MemoryStatsReason.Fresh, TotalKiB = 8192 * KiB, AvailableKiB = 4096 * KiB, SwapTotalKiB = 0, SwapFreeKiB = 0 };

    /// <summary>The advice at the second look.</summary>
    public static HostAdvice Advise(BudgetSetting budget, params AdviceGuest[] guests)
    {
        Advisor advisor = new(budget: budget);
        advisor.Learn(See(0, guests), 0);
        return advisor.Advise(See(10, guests), 10);
    }

    public static SeenHost See(double time, params AdviceGuest[] guests) => new(Host, [.. guests.Select(guest => guest.See(time))]);

    public static void See(GuestTrack track, AdviceGuest guest, double time)
    {
        SeenGuest seen = guest.See(time);
        track.See(seen, GuestFacts.Of(seen), Host, time);
    }
}
