using System.Diagnostics.Metrics;

namespace Ballast.Telemetry;

/// <summary>The counters of the library, of all its connections; docs/metrics.md describes them.</summary>
internal static class Metrics
{
    public const string Name = "Ballast";

    private static readonly Meter Meter = new(Name);

    public static readonly Counter<long> Queries =
        Meter.CreateCounter<long>("ballast.monitor.queries", "{query}", "Questions that were put to monitors; callers that wait at the same time share one.");

    public static readonly Counter<long> SharedCallers =
        Meter.CreateCounter<long>("ballast.monitor.shared_callers", "{caller}", "Callers who were given the answer to somebody else's question.");

    public static readonly Histogram<double> QueryDuration =
        Meter.CreateHistogram<double>("ballast.monitor.query.duration", "s", "From a caller's question to its answer.");

    public static readonly Counter<long> Timeouts =
        Meter.CreateCounter<long>("ballast.monitor.timeouts", "{caller}", "Callers that a monitor did not answer in time.");

    public static readonly Counter<long> Resynchronisations =
        Meter.CreateCounter<long>("ballast.monitor.resynchronizations", "{mark}", "Marks that were sent to find the place again among late or unasked answers.");

    public static readonly UpDownCounter<long> OpenMonitors =
        Meter.CreateUpDownCounter<long>("ballast.monitor.open", "{monitor}", "Monitors that this process is connected to.");

    public static readonly UpDownCounter<long> Clients =
        Meter.CreateUpDownCounter<long>("ballast.server.clients", "{client}", "Clients that are connected to a server of this process.");

    private static readonly Counter<long> Bytes =
        Meter.CreateCounter<long>("ballast.io", "By", "Bytes received from and sent to monitors, daemons and clients.");

    public static void Received(long bytes, Peer peer) => Count(bytes, peer, "receive");

    public static void Sent(long bytes, Peer peer) => Count(bytes, peer, "transmit");

    private static void Count(long bytes, Peer peer, string direction)
    {
        if (Bytes.Enabled)
            Bytes.Add(bytes, new("ballast.peer", Word(peer)), new("network.io.direction", direction));
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
