using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>What is advised about a guest.</summary>
public enum AdviceKind
{
    /// <summary>Nothing: its size is right, or nothing can be done for it; the reason says which.</summary>
    Keep,

    /// <summary>Memory is taken from it, because others need it.</summary>
    Take,

    /// <summary>It is given memory.</summary>
    Give,

    /// <summary>It needs more, but others have to give first.</summary>
    Wait,

    /// <summary>It could give memory; nobody needs it now.</summary>
    Could,

    /// <summary>It is left alone.</summary>
    Leave,
}

/// <summary>What taking memory from a guest may cost it.</summary>
public enum AdviceRisk
{
    /// <summary>Nothing is taken.</summary>
    None,

    /// <summary>The memory holds nothing.</summary>
    Low,

    /// <summary>Files may have to be read again, it needs some of it now or soon, or it is unknown whether it already swaps.</summary>
    Medium,

    /// <summary>It already swaps or reads its files again.</summary>
    High,
}

/// <summary>What to do about a guest that is left alone.</summary>
public enum AdviceRemedy
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Look again in a minute.</summary>
    LookAgain,

    /// <summary>Follow the remedy of its sample's reason.</summary>
    OfReason,
}

/// <summary>Advice about one guest: sizes in MiB.</summary>
public sealed record GuestAdvice
{
    /// <summary>The guest.</summary>
    public required SeenGuest Guest { get; init; }

    /// <summary>What is advised.</summary>
    public required AdviceKind Kind { get; init; }

    /// <summary>The current size of its balloon; null if unknown.</summary>
    public double? Balloon { get; init; }

    /// <summary>The size to set; null if nothing is to be set now.</summary>
    public double? Target { get; init; }

    /// <summary>The memory that the host gets back.</summary>
    public double Gain { get; init; }

    /// <summary>The memory that the host could get back from it in all, step by step.</summary>
    public double PossibleGain { get; init; }

    /// <summary>Whether the gain is certain. Otherwise it is an upper bound, because the guest's part of the host's memory is unknown.</summary>
    public bool IsGainCertain { get; init; } = true;

    /// <summary>How much less it has than it needs by the policy's estimate, as far as its balloon could give it; 0 if it lacks nothing.</summary>
    public double Short { get; init; }

    /// <summary>Whether it is short of memory now, by <see cref="GuestShortage"/>; perhaps by more than its balloon could give it.</summary>
    public bool IsShort { get; init; }

    /// <summary>What it may cost the guest.</summary>
    public AdviceRisk Risk { get; init; }

    /// <summary>The risk in one sentence; empty if nothing is taken.</summary>
    public string Cost { get; init; } = "";

    /// <summary>The reason for the advice, in one sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The guard that limits the advice; null if none does.</summary>
    public GuardRule? BoundBy { get; init; }

    /// <summary>What that guard does, in one sentence; empty if there is none.</summary>
    public string Bound { get; init; } = "";

    /// <summary>
    /// Whether the memory limits of its QEMU's control groups could be read now. If not, the last known ones count, and if there are none, the
    /// guest is not advised to grow beyond the largest size that it was seen to have.
    /// </summary>
    public bool AreLimitsKnown { get; init; } = true;

    /// <summary>What to do about a guest that is left alone.</summary>
    public AdviceRemedy Remedy { get; init; }
}

/// <summary>The result of advice.</summary>
/// <param name="Guest">The guest.</param>
/// <param name="IsFollowed">Whether the balloon moved as advised; otherwise somebody moved it elsewhere.</param>
/// <param name="Text">The result in one sentence.</param>
public sealed record AdviceOutcome(SeenGuest Guest, bool IsFollowed, string Text);

/// <summary>Advice about a host: sizes in MiB.</summary>
/// <param name="Host">What guests share, and what is free.</param>
/// <param name="Memory">The host's memory.</param>
/// <param name="Guests">The guests; those that need action come first.</param>
/// <param name="Outcomes">The results of earlier advice.</param>
public sealed record HostAdvice(HostState Host, HostMemory Memory, IReadOnlyList<GuestAdvice> Guests, IReadOnlyList<AdviceOutcome> Outcomes)
{
    /// <summary>The memory that guests share.</summary>
    public double Budget => Math.Max(0, Host.Memory - Host.Overhead - Host.Reserve);

    /// <summary>The sum of all balloons.</summary>
    public double Balloons => Sizes.Sum(Guests, guest => guest.Balloon ?? 0);

    /// <summary>What the host gets back if the advice to take memory is followed.</summary>
    public double Gain => Sizes.Sum(Guests, guest => guest.Kind == AdviceKind.Take ? guest.Gain : 0);

    /// <summary>What the host could get back in all.</summary>
    public double PossibleGain => Sizes.Sum(Guests, guest => guest.PossibleGain);

    /// <summary>What guests lack.</summary>
    public double Short => Sizes.Sum(Guests, guest => guest.Short);

    /// <summary>What guests get if the advice to give memory is followed.</summary>
    public double Given => Sizes.Sum(Guests, guest => guest is { Kind: AdviceKind.Give, Target: { } target, Balloon: { } balloon } ? target - balloon : 0);
}
