namespace Ballast.Drivers.Test;

/// <summary>
/// What callers can change of a guest, and since when; times are seconds since the fleet's epoch. From it follows what
/// the device says at any later time.
/// </summary>
/// <param name="PeriodSeconds">The collection period; 0: off.</param>
/// <param name="NextReport">The first report since the last change; the others follow at each period.</param>
/// <param name="KeptReport">What the device keeps until then, or <see cref="GuestReportTime.None"/>.</param>
/// <param name="FromKiB">The balloon's size at <paramref name="MovesSince"/>.</param>
/// <param name="TargetKiB">Where it moves.</param>
/// <param name="MovesSince">When it set out.</param>
internal readonly record struct GuestSettings(
    int PeriodSeconds, long NextReport, GuestReportTime KeptReport, ulong FromKiB, ulong TargetKiB, long MovesSince)
{
    public const int DefaultPeriodSeconds = 2;

    public static GuestSettings Initial(in FleetGuest guest) => new(
        guest.Kind == GuestKind.NoPolling ? 0 : DefaultPeriodSeconds,
        guest.DriverLoadedAt,
        guest.Kind == GuestKind.NoPolling ? new(guest.DriverLoadedAt, guest.InitialKiB) : GuestReportTime.None,
        guest.InitialKiB, guest.InitialKiB, guest.BootedAt);

    /// <summary>The balloon's size.</summary>
    public ulong ActualKiB(in FleetGuest guest, long time)
    {
        long elapsed = Math.Max(0, Math.Min(time, guest.StopsAt) - MovesSince);
        ulong distance = FromKiB > TargetKiB ? FromKiB - TargetKiB : TargetKiB - FromKiB;
        ulong moved = (UInt128)(ulong)elapsed * guest.BalloonKiBPerSecond < distance ? (ulong)elapsed * guest.BalloonKiBPerSecond : distance;
        return FromKiB > TargetKiB ? FromKiB - moved : FromKiB + moved;
    }

    /// <summary>The report that the device has.</summary>
    public GuestReportTime LastReport(in FleetGuest guest, long time)
    {
        if (!guest.Reports)
            return GuestReportTime.None;
        time = Math.Min(time, guest.StopsAt);
        if (PeriodSeconds == 0 || time < NextReport)
            return KeptReport;
        long report = time - ((time - NextReport) % PeriodSeconds);
        return new(report, ActualKiB(guest, report));
    }

    /// <summary>As QEMU: asked at once where collection was off, otherwise after the new period.</summary>
    public GuestSettings WithPeriod(in FleetGuest guest, long time, int seconds) => seconds == PeriodSeconds ? this : this with
    {
        PeriodSeconds = seconds,
        NextReport = PeriodSeconds == 0 ? time : time + seconds,
        KeptReport = LastReport(guest, time),
    };

    /// <summary>As a period turned off and on again: a report at once, and the next ones a period after each other from then on.</summary>
    public GuestSettings WithReport(in FleetGuest guest, long time) => this with
    {
        NextReport = PeriodSeconds == 0 ? time : time + PeriodSeconds,
        KeptReport = new(time, ActualKiB(guest, time)),
    };

    public GuestSettings WithTarget(in FleetGuest guest, long time, ulong kib)
    {
        if (!guest.HasDriver)
            return this;
        GuestReportTime last = LastReport(guest, time);
        return this with
        {
            // A report of the past keeps the size of its own time.
            NextReport = PeriodSeconds == 0 || time < NextReport ? NextReport : time - ((time - NextReport) % PeriodSeconds) + PeriodSeconds,
            KeptReport = last,
            FromKiB = ActualKiB(guest, time),
            TargetKiB = Math.Clamp(kib / FleetGuest.PageKiB * FleetGuest.PageKiB, guest.FloorKiB, guest.MaxMemoryKiB),
            MovesSince = time,
        };
    }
}

/// <summary>When a guest reported, and how large its balloon was then.</summary>
internal readonly record struct GuestReportTime(long Time, ulong ActualKiB)
{
    public static GuestReportTime None => new(long.MinValue, 0);

    public bool IsNone => Time == long.MinValue;
}
