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

    /// <summary>A call to a daemon.</summary>
    public static Activity? Call(string procedure) => Source.StartActivity("ballast.rpc.call", ActivityKind.Client)?.SetTag("rpc.method", procedure);

    /// <summary>It failed, with that error.</summary>
    public static void Failed(this Activity? activity, Exception error) =>
        activity?.SetTag("error.type", error is LibvirtException { Code: var code } ? code.ToString() : error.GetType().FullName)
            .SetStatus(ActivityStatusCode.Error, error.Message);
}
