using System.Diagnostics.Metrics;

namespace Ballast.Telemetry;

/// <summary>The counters of the library, of all its connections; docs/metrics.md describes them.</summary>
internal static class Metrics
{
    public const string Name = "Ballast";

    private static readonly Meter Meter = new(Name);

    public static readonly Measure<long> Queries = Counter("ballast.monitor.queries", "{query}", "Queries sent to monitors. Callers that wait at the same time share one.");

    public static readonly Measure<long> SharedCallers = Counter("ballast.monitor.shared_callers", "{caller}", "Callers that got the answer to another caller's query.");

    public static readonly Measure<double> QueryDuration = Histogram("ballast.monitor.query.duration", "s", "Time from a caller's query to its answer.");

    public static readonly Measure<long> Timeouts = Counter("ballast.monitor.timeouts", "{caller}", "Callers that a monitor did not answer in time.");

    public static readonly Measure<long> Resynchronisations = Counter("ballast.monitor.resynchronizations", "{marker}", "Markers sent to resynchronize after late or unexpected answers.");

    public static readonly Measure<long> OpenMonitors = UpDownCounter("ballast.monitor.open", "{monitor}", "Monitors that this process is connected to.");

    public static readonly Measure<long> Clients = UpDownCounter("ballast.server.clients", "{client}", "Clients that are connected to a server of this process.");

    private static readonly Counter<long> Bytes =
        Meter.CreateCounter<long>("ballast.io", "By", "Bytes received from and sent to monitors, daemons and clients.");

    public static void Received(long bytes, Peer peer) => Count(bytes, peer, "receive");

    public static void Sent(long bytes, Peer peer) => Count(bytes, peer, "transmit");

    private static void Count(long bytes, Peer peer, string direction)
    {
        if (Bytes.Enabled)
        {
            Unattended.Run(
                static moved => Bytes.Add(moved.Count, new("ballast.peer", Word(moved.Peer)), new("network.io.direction", moved.Direction)),
                (Count: bytes, Peer: peer, Direction: direction));
        }
    }

    private static Measure<long> Counter(string name, string unit, string description)
    {
        Counter<long> counter = Meter.CreateCounter<long>(name, unit, description);
        return new(counter, value => counter.Add(value));
    }

    private static Measure<long> UpDownCounter(string name, string unit, string description)
    {
        UpDownCounter<long> counter = Meter.CreateUpDownCounter<long>(name, unit, description);
        return new(counter, value => counter.Add(value));
    }

    private static Measure<double> Histogram(string name, string unit, string description)
    {
        Histogram<double> histogram = Meter.CreateHistogram<double>(name, unit, description);
        return new(histogram, value => histogram.Record(value));
    }

    private static string Word(Peer peer) => peer switch
    {
        Peer.Monitor => "monitor",
        Peer.Daemon => "daemon",
        _ => "client",
    };
}

/// <summary>Who is at the other end of a connection.</summary>
internal enum Peer
{
    Monitor,
    Daemon,
    Client,
}
