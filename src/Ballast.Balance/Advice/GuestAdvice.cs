using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>What is advised about a guest.</summary>
public enum AdviceKind
{
    /// <summary>Nothing: it is as it should be.</summary>
    Keep,

    /// <summary>Memory is taken from it, because others need it.</summary>
    Take,

    /// <summary>It is given memory.</summary>
    Give,

    /// <summary>It needs more, and others have to give first.</summary>
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

    /// <summary>What is taken holds nothing.</summary>
    Low,

    /// <summary>Files may have to be read again, it needs some of it now or soon, or nobody knows whether it already swaps.</summary>
    Medium,

    /// <summary>It already swaps or reads its files again.</summary>
    High,
}

/// <summary>What to do about a guest that is left alone.</summary>
public enum AdviceRemedy
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>To look again in a minute.</summary>
    LookAgain,

    /// <summary>What mends the reason of its sample.</summary>
    OfReason,
}

/// <summary>Advice about one guest: sizes in MiB.</summary>
public sealed record GuestAdvice
{
    /// <summary>The guest.</summary>
    public required SeenGuest Guest { get; init; }

    /// <summary>What is advised.</summary>
    public required AdviceKind Kind { get; init; }

    /// <summary>Its balloon's size now; null where nobody knows.</summary>
    public double? Balloon { get; init; }

    /// <summary>The size to set; null where nothing is to be set now.</summary>
    public double? Target { get; init; }

    /// <summary>What the host gets back by that.</summary>
    public double Gain { get; init; }

    /// <summary>What the host could get back of it in all, step by step.</summary>
    public double PossibleGain { get; init; }

    /// <summary>Whether the host gets as much as that; otherwise it gets at most that, as nobody can tell what it holds of the guest.</summary>
    public bool IsGainCertain { get; init; } = true;

    /// <summary>What it lacks to what it needs by the policy's estimate, and its balloon could give it; 0 where it does not.</summary>
    public double Short { get; init; }

    /// <summary>Whether it is short of memory now, by <see cref="GuestShortage"/>: perhaps of more than its balloon could give it.</summary>
    public bool IsShort { get; init; }

    /// <summary>What it may cost the guest.</summary>
    public AdviceRisk Risk { get; init; }

    /// <summary>The same in one sentence; empty where nothing is taken.</summary>
    public string Cost { get; init; } = "";

    /// <summary>Why, in one sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The guard that bounds it; null where none does.</summary>
    public GuardRule? BoundBy { get; init; }

    /// <summary>What that guard does, in one sentence; empty where none does.</summary>
    public string Bound { get; init; } = "";

    /// <summary>What to do about a guest that is left alone.</summary>
    public AdviceRemedy Remedy { get; init; }
}

/// <summary>What came of advice.</summary>
/// <param name="Guest">The guest.</param>
/// <param name="IsFollowed">Whether its balloon went where it was advised to; otherwise somebody moved it elsewhere.</param>
/// <param name="Text">What came of it, in one sentence.</param>
public sealed record AdviceOutcome(SeenGuest Guest, bool IsFollowed, string Text);

/// <summary>Advice about a host: sizes in MiB.</summary>
/// <param name="Host">What guests share, and what is free.</param>
/// <param name="Memory">The host's memory.</param>
/// <param name="Guests">Each guest, those first about whom something is to be done.</param>
/// <param name="Outcomes">What came of earlier advice.</param>
public sealed record HostAdvice(HostState Host, HostMemory Memory, IReadOnlyList<GuestAdvice> Guests, IReadOnlyList<AdviceOutcome> Outcomes)
{
    /// <summary>What guests may have together.</summary>
    public double Budget => Math.Max(0, Host.Memory - Host.Overhead - Host.Reserve);

    /// <summary>The sum of all balloons.</summary>
    public double Balloons => Sizes.Sum(Guests, guest => guest.Balloon ?? 0);

    /// <summary>What the host gets back where the advice to take is followed.</summary>
    public double Gain => Sizes.Sum(Guests, guest => guest.Kind == AdviceKind.Take ? guest.Gain : 0);

    /// <summary>What it could get back in all.</summary>
    public double PossibleGain => Sizes.Sum(Guests, guest => guest.PossibleGain);

    /// <summary>What guests lack.</summary>
    public double Short => Sizes.Sum(Guests, guest => guest.Short);

    /// <summary>What guests are given where the advice to give is followed.</summary>
    public double Given => Sizes.Sum(Guests, guest => guest is { Kind: AdviceKind.Give, Target: { } target, Balloon: { } balloon } ? target - balloon : 0);
}
