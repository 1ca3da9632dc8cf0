using System.Globalization;
using Ballast.Balance.Policies.Needs;

namespace Ballast.Balance.Advice;

/// <summary>What taking memory from a guest may cost it: sizes in MiB.</summary>
/// <param name="track">The guest.</param>
/// <param name="taken">What is taken.</param>
/// <param name="lack">What it then lacks to what it needs; 0 or less where it does not.</param>
internal readonly struct GuestRisk(GuestTrack track, double taken, double lack)
{
    private const double KiB = 1024;

    // More major faults a second than programs cause that start now and then. A policy and the guards, which only leave a guest more
    // for it, go by a tenth of that; here it alone makes the risk high.
    private const double ManyFaults = 5;

    public AdviceRisk Risk =>
        taken <= 0 ? AdviceRisk.None
        : Trouble is not null ? AdviceRisk.High
        : IsNeeded || !track.Rates.IsKnown || taken > Unused ? AdviceRisk.Medium
        : AdviceRisk.Low;

    /// <summary>The same in one sentence; empty where nothing is taken.</summary>
    public string Cost => Risk switch
    {
        AdviceRisk.None => "",
        AdviceRisk.High => $"It {Trouble} already.",
        AdviceRisk.Low => "That much of its memory holds nothing.",
        _ when IsNeeded => string.Create(CultureInfo.InvariantCulture, $"It is left {lack:F0} MiB less than it needs, now or soon."),
        _ when taken > Unused => Beyond(taken - Unused),
        _ => "It has not reported twice yet, so it is unknown whether it swaps or reads files from disk again.",
    };

    // What is not in caches is the kernel's, which drops some of that where it must.
    private string Beyond(double size)
    {
        double files = Math.Min(size, (track.Seen.Stats.DiskCachesKiB ?? 0) / KiB), rest = size - files;
        string reads = string.Create(CultureInfo.InvariantCulture, $"Up to {files:F0} MiB of its cached files may have to be read again"),
            drops = string.Create(CultureInfo.InvariantCulture, $"its kernel has to find {rest:F0} MiB elsewhere");
        return rest < 0.5 ? $"{reads}." : files < 0.5 ? $"{char.ToUpperInvariant(drops[0])}{drops[1..]}." : $"{reads}, and {drops}.";
    }

    private double Unused => (track.Seen.Stats.UnusedKiB ?? 0) / KiB;

    // Half a MiB is what rounding leaves.
    private bool IsNeeded => lack >= 0.5;

    private string? Trouble
    {
        get
        {
            double swapped = (track.Rates.PerSecond(GuestRates.Read.SwapOut) ?? 0) + (track.Rates.PerSecond(GuestRates.Read.SwapIn) ?? 0);
            return swapped / KiB > BallastConstants.QuietSwapRate ? "swaps"
                : track.Rates.PerSecond(GuestRates.Read.MajorFaults) > ManyFaults ? "reads files from disk again"
                : null;
        }
    }
}
