using System.Collections.Concurrent;
using Ballast.Rpc;

namespace Ballast.Drivers.Remote;

/// <summary>
/// The reports of a daemon's guests: what comparing an answer with the one before tells, and what events tell of both. It is
/// where an event stands, so nothing here waits.
/// </summary>
/// <param name="time">Where time comes from.</param>
/// <param name="sharesClock">Whether the daemon's host is this one, so that the time in a report is by our own clock.</param>
internal sealed class RemoteReports(TimeProvider time, bool sharesClock) : IDriverEventSink
{
    // Domains that went are forgotten with the others when there are too many: what is known of them then begins anew.
    private readonly ConcurrentDictionary<Guid, RemoteReport> _reports = [];
    private int _interruptions;

    /// <summary>Compares an answer with what was known.</summary>
    public ReportSight See(DomainIdentity domain, in ReportLook look) => Of(domain.Uuid).See(domain.Id, look, Volatile.Read(ref _interruptions));

    /// <summary>The last one, grown older.</summary>
    public ReportSight LastOf(DomainIdentity domain) =>
        _reports.TryGetValue(domain.Uuid, out RemoteReport? report) ? report.Last() : new ReportSight(time.GetUtcNow());

    public void Add(in DriverEvent happened)
    {
        if (happened.Kind == DomainEventKinds.Reboot)
            Of(happened.Domain.Uuid).NoteReset();
    }

    /// <summary>A reset may be among what is missing: counters before and after it are not compared.</summary>
    public void Interrupt() => Interlocked.Increment(ref _interruptions);

    public void End(Exception? error) => Interrupt();

    private RemoteReport Of(Guid domain)
    {
        if (_reports.Count >= RpcLimits.MaxDomains && !_reports.ContainsKey(domain))
            _reports.Clear();
        return _reports.GetOrAdd(domain, _ => new RemoteReport(time, sharesClock));
    }
}
