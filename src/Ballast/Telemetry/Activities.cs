using System.Diagnostics;

namespace Ballast.Telemetry;

/// <summary>The activities (spans) of the library; docs/metrics.md describes them.</summary>
internal static class Activities
{
    private static readonly ActivitySource Source = new(Metrics.Name);

    /// <summary>Whether anybody listens: else nothing is to be begun.</summary>
    public static bool AreWanted => Source.HasListeners();

    /// <summary>A question to a monitor, as one caller sees it.</summary>
    public static Span Query(string monitor) => Begin("ballast.monitor.query", ("ballast.monitor", monitor));

    /// <summary>A command to a monitor, such as a change.</summary>
    /// <param name="monitor">The socket.</param>
    /// <param name="name">The command's name.</param>
    /// <param name="text">What is sent; several commands may be sent together.</param>
    public static Span Command(string monitor, string name, string text) =>
        Begin("ballast.monitor.command", ("ballast.monitor", monitor), ("ballast.monitor.command", name), ("ballast.monitor.text", text));

    /// <summary>A call to a daemon.</summary>
    public static Span Call(string procedure) => Begin("ballast.rpc.call", ("rpc.method", procedure));

    private static Span Begin(string name, params ReadOnlySpan<(string Key, string Value)> tags)
    {
        try
        {
            Activity? activity = Source.StartActivity(name, ActivityKind.Client);
            foreach ((string key, string value) in tags)
                _ = activity?.SetTag(key, value);
            return new Span(activity);
        }
        catch (Exception e)
        {
            // A listener's own trouble.
            Unattended.Note(e);
            return default;
        }
    }
}
