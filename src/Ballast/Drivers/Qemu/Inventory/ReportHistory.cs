using Ballast.Drivers.Qemu.Qmp;
using Ballast.Virtio;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>What is known of a report beyond what it says itself.</summary>
/// <param name="KnownFor">For how long it has been known here, by a clock that nobody sets.</param>
/// <param name="ActualBytes">The balloon's size when it was first seen; null where nobody said.</param>
/// <param name="ActualAtReportBytes">The size that belongs to it, by the rule of <see cref="GuestMemoryStats.ActualAtReport"/>.</param>
/// <param name="MostActualBytes">The most that its size may have been when the guest reported; null where nobody said.</param>
/// <param name="IsFromBeforeReset">The guest was reset since.</param>
/// <param name="CounterWentBackwards">A counter is lower than in the report before, though the guest was not reset.</param>
internal readonly record struct ReportEvidence(
    TimeSpan KnownFor, ulong? ActualBytes, ulong? ActualAtReportBytes, ulong? MostActualBytes, bool IsFromBeforeReset, bool CounterWentBackwards);

/// <summary>
/// The reports of one QEMU's guest, over whichever of its monitors they came: the last one, for when nobody can be asked, and
/// what comparing one with the one before tells.
/// </summary>
internal sealed class ReportHistory(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly ReportSequence<MonitorLook> _reports = new();
    private DateTimeOffset? _lastReset;
    private ReportEvidence _evidence;
    private long _lastNumber;
    private long _seenAt;
    private (long, DateTimeOffset?) _driverKnownIn;
    private bool _deflatesOnOom;
    private bool? _offersDeflate;
    private bool _isAskedForOffer;
    private long _lookedAt;

    /// <summary>The last answer with a report; null where there was none.</summary>
    public MonitorValues? Last
    {
        get
        {
            lock (_gate)
                return _reports.Last?.Values;
        }
    }

    /// <summary>Whether the guest's driver was found bound since the connection was made and the guest was reset.</summary>
    public bool KnowsDriver(QmpMonitor monitor)
    {
        (long Connection, DateTimeOffset? LastReset) epoch = monitor.Epoch;
        lock (_gate)
            return epoch.Connection != 0 && _driverKnownIn == epoch;
    }

    /// <summary>Whether the guest's driver took the feature that leaves the guest all its memory to see; null: nobody knows.</summary>
    public bool? DeflatesOnOom
    {
        get
        {
            lock (_gate)
                return _driverKnownIn.Item1 == 0 ? _offersDeflate : _deflatesOnOom;
        }
    }

    /// <summary>Whether it is worth asking what the device offers: once, as that never changes, nor does a QEMU that cannot say.</summary>
    public bool TryAskForOffer()
    {
        lock (_gate)
            return DeflatesOnOom is null && !_isAskedForOffer && (_isAskedForOffer = true);
    }

    /// <summary>The same evidence as when that answer was learned, grown older.</summary>
    public ReportEvidence EvidenceOfLast()
    {
        lock (_gate)
            return _evidence with { KnownFor = time.GetElapsedTime(_seenAt) };
    }

    /// <summary>
    /// Compares an answer with the one before and keeps it. Who shared an answer is told the same, and who comes late with an
    /// old one is not compared with a newer.
    /// </summary>
    /// <param name="values">The answer.</param>
    /// <param name="isOfNow">Whether the guest made its report because it was asked just now.</param>
    public ReportEvidence Learn(in MonitorValues values, bool isOfNow = false)
    {
        lock (_gate)
        {
            if (values.Has(MonitorParts.VirtioStatus) && values.IsDriverBound)
                (_driverKnownIn, _deflatesOnOom) = ((values.Connection, values.LastReset), values.DeflatesOnOom);
            if (values.Has(MonitorParts.OffersDeflate))
                _offersDeflate = values.OffersDeflate;
            if (!values.Has(MonitorParts.GuestStats))
                return default;

            // Nothing is known of a report that was overtaken, nor which size belongs to it.
            MonitorLook look = new(values);
            bool isSame = _reports.Last is { } last && look.ShowsSameAs(last);
            if (values.Number < _lastNumber && !isSame)
                return new ReportEvidence { ActualAtReportBytes = 0 };
            if (values.Number <= _lastNumber)
            {
                if (isOfNow && values.Number == _lastNumber)
                    _evidence = _evidence with { ActualAtReportBytes = values.ActualBytes };
                return _evidence with { KnownFor = time.GetElapsedTime(_seenAt) };
            }

            NoteReset(values);
            if (!isSame)
                _seenAt = time.GetTimestamp();
            ulong? mostActual = isSame && _evidence.MostActualBytes is { } most ? most : MostActual(values);
            ulong? actualAtReport = isSame && !isOfNow && _evidence.ActualAtReportBytes is { } known ? known
                : isOfNow ? values.ActualBytes : ActualAtReport(values);
            _reports.See(look);
            _evidence = new ReportEvidence(
                time.GetElapsedTime(_seenAt),
                isSame && _evidence.ActualBytes is { } then ? then : values.ActualBytes,
                actualAtReport,
                mostActual,
                _reports.IsFromBeforeReset,
                _reports.CounterWentBackwards);
            (_lastNumber, _lookedAt) = (values.Number, time.GetTimestamp());
            return _evidence;
        }
    }

    // Firmware, kernel and drivers take so long at most.
    private static readonly TimeSpan BootTime = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Whether a guest without a driver may still boot: it was reset a moment ago. Where no reset was seen, the driver may have been
    /// unloaded as well, and that is what its device says.
    /// </summary>
    public bool MayBoot(in MonitorValues values) => values.LastReset is { } reset && time.GetUtcNow() - reset < BootTime;

    // A report was made after the look that still showed the one before, and the balloon may have moved since then. Where none of this
    // system's was seen, at the first look or after a reset (a system that boots has all its memory), or not for long, it may have been
    // larger by all that was usable, and by no more.
    private ulong? MostActual(in MonitorValues values)
    {
        if (values.ActualBytes is not { } now)
            return null;
        if (LastActual is { } before && time.GetElapsedTime(_lookedAt) <= GuestMemoryStats.Soon)
            return Math.Max(now, before);
        BalloonReport report = values.GuestStats.Report;
        return now + ((report.Find(MemoryStatTag.Usable) ?? report.Find(MemoryStatTag.Unused) ?? 0) * 1024);
    }

    // An event tells when the balloon moved. A report of that second or before it was made with another size.
    private ulong? ActualAtReport(in MonitorValues values) =>
        values.LastMove is { } moved ? (long?)values.GuestStats.LastUpdate > moved.ToUnixTimeSeconds() ? values.ActualBytes : 0
        : _reports.HasReport ? GuestMemoryStats.ActualAtReport(LastActual, values.ActualBytes)
        : values.ActualBytes;

    // Of the report before, where that was the same system's.
    private ulong? LastActual => _reports.HasReport ? _reports.Last?.Values.ActualBytes : null;

    private void NoteReset(in MonitorValues values)
    {
        if (_reports.Last is { } last && last.Values.Connection != values.Connection)
            _reports.NoteGap();
        if (values.LastReset is { } reset && reset != _lastReset)
            _reports.NoteReset(reset);
        _lastReset = values.LastReset;
    }
}
