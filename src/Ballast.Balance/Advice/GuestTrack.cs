using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>What advice remembers of a guest between two looks.</summary>
internal sealed class GuestTrack(GuestRun? run = null)
{
    private const double KiB = 1024;

    private readonly GuestReading _reading = new();
    private readonly GuestRun _run = run ?? new GuestRun();

    /// <summary>The guest as it is seen now.</summary>
    public SeenGuest Seen { get; private set; } = null!;

    /// <summary>When it was seen.</summary>
    public double Time { get; private set; }

    /// <summary>What its last two reports tell.</summary>
    public GuestRates Rates => _reading.Rates;

    public GuestStanding Standing { get; private set; }

    /// <summary>What guards and policies are told; null where nobody knows how large it is.</summary>
    public GuardedGuest? Guarded { get; private set; }

    /// <summary>The balloon's size in MiB, or what may stand for it.</summary>
    public double Balloon { get; private set; }

    /// <summary>The size in MiB that leaves others nothing: what its balloon may have grown to where nobody tells its size.</summary>
    public double Counted => Math.Max(Balloon, Guarded?.MayHave ?? 0);

    /// <summary>What was seen last; null where nothing was.</summary>
    public GuestFacts? Facts { get; private set; }

    /// <summary>What the host holds of it in MiB; null where that is no measure.</summary>
    public double? Resident { get; private set; }

    public FollowedAdvice Followed { get; } = new();

    /// <summary>Whether it is short of memory by its last report.</summary>
    public bool IsShort => GuestShortage.IsShort(Seen.Stats, Seen.MaximumKiB, Rates.PerSecond(GuestRates.Read.SwapOut));

    /// <summary>Whether it was to give when somebody last was.</summary>
    public bool IsGiver { get; set; }

    /// <summary>The name that policies and guards know it by.</summary>
    public string Name { get; private set; } = "";

    /// <summary>What is remembered of a guest that has this one's id now: this, unless another process bears the id.</summary>
    public GuestTrack For(GuestFacts guest, double now) => _run.IsOver(guest, now) ? new GuestTrack(_run.Next()) : this;

    public void See(SeenGuest guest, GuestFacts facts, HostMemory host, double now)
    {
        (Seen, Time, Name) = (guest, now, _run.NameOf(facts));
        _run.See(facts, now);
        Standing = GuestStanding.Of(facts);
        Resident = GuestReading.ResidentOf(facts, host);
        Facts = facts;
        Balloon = (facts.SizeKiB ?? facts.ResidentKiB ?? 0) / KiB;
        bool isKnown = facts.KnownBalloonKiB is not null;
        if (isKnown)
            Followed.NoteSize(now);
        Guarded = facts.SizeKiB is null
            ? null
            : _reading.Read(Name, facts, Standing, Resident, Followed.Target, now) with { MayHave = isKnown ? null : Followed.ToldMost ?? Balloon };
    }
}
