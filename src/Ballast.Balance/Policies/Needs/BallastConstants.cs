namespace Ballast.Balance.Policies.Needs;

/// <summary>
/// All numbers of the policy, each with its reason: sizes in MiB, times in seconds, shares of one. They were chosen on random
/// scenarios of the model and held on others that were not looked at before. Most may be halved or doubled with little effect; where
/// that is not so, it is said.
/// </summary>
internal static class BallastConstants
{
    /// <summary>
    /// The share of what is left over that goes out as a reserve, and of the rest again for peaks. More makes guests ready for leaps;
    /// less keeps memory in hand, should a balloon stop moving while it is large: above 0.8 that costs more than it gives.
    /// </summary>
    public const double HandedOut = 0.78;

    /// <summary>
    /// A need may leap to so many times what it is before the next decision, or while its balloon does not follow. Reserves make each
    /// ready for that first, and go out in proportion to needs then. With less, more guests are ready for smaller leaps.
    /// </summary>
    public const double Leap = 1.9;

    /// <summary>
    /// The share of what is left over that goes out for leaps, where they take so much. A balloon that stops moving while it is small
    /// costs its guest more than one that is large costs the others, as long as it is for leaps; above 0.9, all of them lose.
    /// </summary>
    public const double HandedOutForLeaps = 0.85;

    /// <summary>
    /// A guest that lacks this share of what it uses thrashes: it stalls nearly always, and lacking more costs no more. With 0.15 to 0.35,
    /// the figures of the scenarios by hand hardly change.
    /// </summary>
    public const double ThrashLack = 0.25;

    /// <summary>
    /// Where not all can be made whole, this share of what a guest has counts as if it was no effort. With none, memory goes to and fro
    /// among equals; with all, who came first keeps it, however much that is.
    /// </summary>
    public const double HadCounts = 0.5;

    /// <summary>
    /// Memory that a guest uses and is to lose counts as this share of a stall, by the same measure: the guest has to swap for it. So who
    /// goes short changes only where that helps for long. With none, it changes with each report where two ways to share are equally good.
    /// </summary>
    public const double LossCounts = 0.5;

    /// <summary>While balloons exceed the budget and less than this share of the host is free, nothing goes out for files, and no reserve: the host swaps soon.</summary>
    public const double ShortShare = 0.05;

    /// <summary>
    /// A report that is older tells how a guest was. Reports come each few seconds; one that is late by a network's or a guest's hiccup
    /// is not yet silence.
    /// </summary>
    public const double StaleAge = 30;

    /// <summary>Whether a report of this age, in seconds, is such an old one: no guard lets a guest shrink by it alone.</summary>
    public static bool IsStale(double age) => age > StaleAge;

    /// <summary>
    /// A guest whose last report is older is silent, and what it needs is guessed. Up to this age, an old report and what the host has
    /// come to hold since tell more than the host alone: with reports 45 s old, guests stall a third as long as when they count as silent.
    /// </summary>
    public const double SilentAge = 60;

    /// <summary>Whether a guest with a report of this age, in seconds, is silent.</summary>
    public static bool IsSilent(double age) => age > SilentAge;

    /// <summary>
    /// A guest whose usable memory is at most this share is full: what it reads from its swap then pushes something else out. Kernels
    /// begin to reclaim at about this share.
    /// </summary>
    public const double FullShare = 0.02;

    /// <summary>Swapping that is slower, in MiB a second, is a kernel tidying up, and counts as none.</summary>
    public const double QuietSwapRate = 0.1;

    /// <summary>
    /// What may be swapped between two reports and still mean nothing, in MiB; beyond it, reading this many times what a guest's use
    /// grew by means that it reads the same again and again.
    /// </summary>
    public const double SwapLeast = 16, SwapFactor = 2;

    /// <summary>A rate over less than this is taken as one over this, in seconds: it would be noise.</summary>
    public const double ShortestRate = 1;

    /// <summary>A guest that does so needs more than it has: this share more, in each round until it ends.</summary>
    public const double ThrashGrowth = 0.1;

    /// <summary>A peak is remembered as half in this time: a load that comes back within half an hour finds room.</summary>
    public const double PeakHalfLife = 1800;

    /// <summary>The next peak may be this much higher.</summary>
    public const double PeakMargin = 1.1;

    /// <summary>
    /// A guest has come back to its last peak where it needs this share of it, after it needed less by this factor. Where it did so this
    /// many times, some four minutes apart at most, without needing more than the next peak, its leaps end there. With fewer, guests whose peaks grow are not ready for more.
    /// </summary>
    public const double PeakReached = 0.85, PeakRise = 1.6, PeakTimes = 4;

    /// <summary>
    /// Files for which each guest has room, in MiB: about what programs and libraries in use take. More is taken from others' demand
    /// where memory is short (from 100 on it hurts).
    /// </summary>
    public const double CacheLeast = 60;

    /// <summary>The files that rank with demand where they are read again: this much in MiB, or this share of demand. All beyond ranks behind it.</summary>
    public const double CacheFirst = 200, CacheFirstShare = 0.1;

    /// <summary>More major faults a second, none of them from swap, mean that files are read again.</summary>
    public const double RereadRate = 0.5;

    /// <summary>A cache that grows faster, in MiB a second, is filling: those files are read for the first time.</summary>
    public const double FillRate = 1;

    /// <summary>A cache that was too small is to be larger by this share, and by this much in MiB at least.</summary>
    public const double CacheStep = 0.5, CacheStepLeast = 64;

    /// <summary>After this time without files read again, what was learnt of them is forgotten.</summary>
    public const double CacheMemory = 900;

    /// <summary>A guest contradicts itself that swaps while it says that this share of its memory, and this much in MiB, is usable.</summary>
    public const double ContradictionShare = 0.1, ContradictionLeast = 64;

    /// <summary>
    /// It is no longer believed when it did so twice, over at least the first time, and within the second of each other: a leap between
    /// two reports looks the same once.
    /// </summary>
    public const double ContradictionLasts = 15, ContradictionForgotten = 60;

    /// <summary>It needs this much more than what the host held of it then.</summary>
    public const double DistrustMargin = 1.1;

    /// <summary>It is believed again after this time without another.</summary>
    public const double DistrustLasts = 1800;

    /// <summary>A guest of which the host holds this share of its size may want more.</summary>
    public const double FilledShare = 0.95;

    /// <summary>
    /// What the host has come to hold of a guest since its last report counts beyond this, in MiB: QEMU's own memory moves by some.
    /// </summary>
    public const double RisenLeast = 16;

    /// <summary>A guest that has filled its balloon since its last report is to have this share more, until it reports.</summary>
    public const double FilledGrowth = 0.25;

    /// <summary>A balloon that moved less, in MiB, did not move; in this time it had to.</summary>
    public const double MovesLeast = 1, MovesWithin = 10;

    /// <summary>
    /// A balloon that does not grow, with this much free for it, in MiB, is asked to grow by as much, to see whether it moves again.
    /// Where less is free, it was the guard that withheld it.
    /// </summary>
    public const double Probe = 32;
}
