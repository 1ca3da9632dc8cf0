namespace Ballast.Rpc.Messages;

/// <summary>Procedures of our own program, for what libvirt's protocol cannot carry.</summary>
internal enum BallastProcedure
{
    /// <summary>Samples of the given domains, or of all, with their circumstances.</summary>
    Sample = 1,

    /// <summary>A sample of one domain whose guest reports now.</summary>
    Refresh = 2,

    /// <summary>From now on, samples of all domains as events, under a number that the client chooses.</summary>
    Watch = 3,

    /// <summary>No more of them.</summary>
    Unwatch = 4,

    /// <summary>Event: samples of a watch.</summary>
    WatchSamples = 5,

    /// <summary>Event: a watch has ended, and why.</summary>
    WatchEnded = 6,

    /// <summary>The host's memory, and a control group's.</summary>
    HostMemory = 7,

    /// <summary>What the host tells of the processes of the given domains.</summary>
    ProcessMemory = 8,

    /// <summary>The version of the program that answers.</summary>
    Version = 9,
}

/// <summary>SAMPLE: no domains means all of them. Options are <see cref="MemoryStatsOptions"/>.</summary>
internal struct SampleArgs : IXdrMessage<SampleArgs>
{
    public RemoteDomain[] Doms;
    public uint Options;

    public static void Layout<TCodec>(ref TCodec xdr, ref SampleArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("doms", ref message.Doms, RpcLimits.MaxDomains);
        xdr.UInt("options", ref message.Options);
    }
}

/// <summary>REFRESH.</summary>
internal struct RefreshArgs : IXdrMessage<RefreshArgs>
{
    public RemoteDomain Dom;
    public uint Options;

    public static void Layout<TCodec>(ref TCodec xdr, ref RefreshArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UInt("options", ref message.Options);
    }
}

/// <summary>A number that may be unknown.</summary>
internal struct OptionalNumber : IXdrMessage<OptionalNumber>
{
    public ulong Value;

    public static void Layout<TCodec>(ref TCodec xdr, ref OptionalNumber message)
        where TCodec : IXdrCodec, allows ref struct => xdr.UHyper("value", ref message.Value);

    public static OptionalNumber? From(ulong? value) => value is { } known ? new OptionalNumber { Value = known } : null;
}

/// <summary>What is known for one sample; both sides judge it by the same rules and by the server's clock.</summary>
internal struct SampleRecord : IXdrMessage<SampleRecord>
{
    private const MemoryStatsReason NewestReasonOfOlderClients = MemoryStatsReason.SocketNotFound;

    public RemoteDomain Dom;
    public MemoryStatEntry[] Stats;
    public uint Rejected;
    public OptionalNumber? Period;
    public OptionalNumber? Running;
    public OptionalNumber? Obstacle;
    public OptionalNumber? HostSideMissing;
    public OptionalNumber? Answered;
    public bool DriverNotLoaded;
    public bool CounterWentBackwards;
    public OptionalNumber? Maximum;
    public string? Detail;
    public long Now;

    public static void Layout<TCodec>(ref TCodec xdr, ref SampleRecord message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Array("stats", ref message.Stats, RpcLimits.MaxMemoryStats);
        xdr.UInt("rejected", ref message.Rejected);
        xdr.Optional("periodSeconds", ref message.Period);
        xdr.Optional("running", ref message.Running);
        xdr.Optional("obstacle", ref message.Obstacle);
        xdr.Optional("hostSideMissing", ref message.HostSideMissing);
        xdr.Optional("answered", ref message.Answered);
        xdr.Bool("driverNotLoaded", ref message.DriverNotLoaded);
        xdr.Bool("counterWentBackwards", ref message.CounterWentBackwards);
        xdr.Optional("maximumKiB", ref message.Maximum);
        xdr.OptionalString("detail", ref message.Detail, RpcLimits.MaxDetail);
        xdr.Hyper("nowUnixMilliseconds", ref message.Now);
    }

    /// <param name="domain">Whose sample it is.</param>
    /// <param name="facts">What is known.</param>
    /// <param name="now">When it was judged.</param>
    /// <param name="options">What the client asked for.</param>
    public static SampleRecord From(RemoteDomain domain, MemoryStatsFacts facts, DateTimeOffset now, MemoryStatsOptions options)
    {
        if ((options & SampleFacts.Wanted) == 0)
            facts = facts with { Obstacle = ForOlderClient(facts.Obstacle), HostSideMissing = ForOlderClient(facts.HostSideMissing) };
        MemoryStatEntry[] stats = [.. facts.Entries.Select(entry => new MemoryStatEntry { Tag = (int)entry.Tag, Value = entry.Value })];
        return From(domain, (options & SampleFacts.Wanted) != 0 ? SampleFacts.Add(stats, facts, now) : stats, facts, now);
    }

    // A client that does not ask for facts fails at a reason that it does not know.
    private static MemoryStatsReason? ForOlderClient(MemoryStatsReason? reason) =>
        reason > NewestReasonOfOlderClients ? MemoryStatsReason.PermissionDenied : reason;

    private static SampleRecord From(RemoteDomain domain, MemoryStatEntry[] stats, MemoryStatsFacts facts, DateTimeOffset now) => new()
    {
        Dom = domain,
        Stats = stats,
        Rejected = (uint)facts.Rejected.Bits,
        Period = OptionalNumber.From(facts.PeriodSeconds),
        Running = Flag(facts.IsRunning),
        Obstacle = OptionalNumber.From((ulong?)(int?)facts.Obstacle),
        HostSideMissing = OptionalNumber.From((ulong?)(int?)facts.HostSideMissing),
        Answered = Flag(facts.HasAnswered),
        DriverNotLoaded = facts.DriverNotLoaded,
        CounterWentBackwards = facts.CounterWentBackwards,
        Maximum = OptionalNumber.From(facts.MaximumKiB),
        Detail = facts.Detail,
        Now = now.ToUnixTimeMilliseconds(),
    };

    /// <exception cref="XdrException">A number stands for nothing that we know.</exception>
    public readonly MemoryStats ToSample()
    {
        const long lastMillisecond = 253402300799999;
        if (Now is < 0 or > lastMillisecond)
            throw new XdrException("nowUnixMilliseconds is not a time");
        if (Period is { Value: > uint.MaxValue })
            throw new XdrException("periodSeconds is not a period");
        MemoryStatsFacts facts = new()
        {
            Entries = [],
            Rejected = new MemoryStatTagSet(Rejected),
            PeriodSeconds = (uint?)Period?.Value,
            IsRunning = Flag(Running),
            Obstacle = Reason(Obstacle),
            HostSideMissing = Reason(HostSideMissing),
            HasAnswered = Flag(Answered),
            DriverNotLoaded = DriverNotLoaded,
            CounterWentBackwards = CounterWentBackwards,
            MaximumKiB = Maximum?.Value,
            Detail = Detail,
        };
        return SampleFacts.Take(Stats, facts).ToSample(DateTimeOffset.FromUnixTimeMilliseconds(Now));
    }

    private static OptionalNumber? Flag(bool? value) => OptionalNumber.From(value is { } known ? known ? 1u : 0u : null);

    private static bool? Flag(OptionalNumber? number) => number is { } known ? known.Value != 0 : null;

    // One that only a newer daemon knows is kept as its number.
    private static MemoryStatsReason? Reason(OptionalNumber? number) => number is not { } known
        ? null
        : known.Value <= int.MaxValue
            ? (MemoryStatsReason)(int)known.Value
            : throw new XdrException($"there is no reason {known.Value}");
}

/// <summary>SAMPLE.</summary>
internal struct SamplesReply : IXdrMessage<SamplesReply>
{
    public SampleRecord[] Samples;

    public static void Layout<TCodec>(ref TCodec xdr, ref SamplesReply message)
        where TCodec : IXdrCodec, allows ref struct => xdr.Array("samples", ref message.Samples, RpcLimits.MaxDomains);
}

/// <summary>WATCH. Options are <see cref="MemoryStatsOptions"/>.</summary>
internal struct WatchArgs : IXdrMessage<WatchArgs>
{
    public int Watch;
    public ulong PeriodMilliseconds;
    public uint Options;

    public static void Layout<TCodec>(ref TCodec xdr, ref WatchArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("watch", ref message.Watch);
        xdr.UHyper("periodMilliseconds", ref message.PeriodMilliseconds);
        xdr.UInt("options", ref message.Options);
    }
}

/// <summary>UNWATCH.</summary>
internal struct UnwatchArgs : IXdrMessage<UnwatchArgs>
{
    public int Watch;

    public static void Layout<TCodec>(ref TCodec xdr, ref UnwatchArgs message)
        where TCodec : IXdrCodec, allows ref struct => xdr.Int("watch", ref message.Watch);
}

/// <summary>WATCH_SAMPLES: at most one of each domain.</summary>
internal struct WatchSamplesEvent : IXdrMessage<WatchSamplesEvent>
{
    public int Watch;
    public SampleRecord[] Samples;

    public static void Layout<TCodec>(ref TCodec xdr, ref WatchSamplesEvent message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("watch", ref message.Watch);
        xdr.Array("samples", ref message.Samples, RpcLimits.MaxDomains);
    }
}

/// <summary>WATCH_ENDED.</summary>
internal struct WatchEndedEvent : IXdrMessage<WatchEndedEvent>
{
    public int Watch;
    public RemoteError Error;

    public static void Layout<TCodec>(ref TCodec xdr, ref WatchEndedEvent message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("watch", ref message.Watch);
        xdr.Struct("error", ref message.Error);
    }
}
