using System.Diagnostics;

namespace Ballast.Telemetry;

/// <summary>The activities (spans) of the library; docs/metrics.md describes them.</summary>
internal static class Activities
{
    private static readonly ActivitySource Source = new(Metrics.Name);

    /// <summary>Whether anybody listens: else nothing is to be begun.</summary>
    public static bool AreWanted => Source.HasListeners();

    /// <summary>A question to a monitor, as one caller sees it.</summary>
    public static Activity? Query(string monitor) => Source.StartActivity("ballast.monitor.query", ActivityKind.Client)?.SetTag("ballast.monitor", monitor);

    /// <summary>A command to a monitor, such as a change.</summary>
    /// <param name="monitor">The socket.</param>
    /// <param name="name">The command's name.</param>
    /// <param name="text">What is sent; several commands may be sent together.</param>
    public static Activity? Command(string monitor, string name, string text) => Source.StartActivity("ballast.monitor.command", ActivityKind.Client)
        ?.SetTag("ballast.monitor", monitor).SetTag("ballast.monitor.command", name).SetTag("ballast.monitor.text", text);

    /// <summary>A call to a daemon.</summary>
    public static Activity? Call(string procedure) => Source.StartActivity("ballast.rpc.call", ActivityKind.Client)?.SetTag("rpc.method", procedure);

    /// <summary>It failed, with that error.</summary>
    public static void Failed(this Activity? activity, Exception error) =>
        activity?.SetTag("error.type", error is LibvirtException { Code: var code } ? code.ToString() : error.GetType().FullName)
            .SetStatus(ActivityStatusCode.Error, error.Message);
}
