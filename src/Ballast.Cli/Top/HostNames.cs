namespace Ballast.Cli.Top;

/// <summary>Names of hosts for a column: what tells one URI from the others, rather than its beginning.</summary>
internal static class HostNames
{
    /// <param name="uri">The host's.</param>
    /// <param name="all">Those of all hosts, its own among them.</param>
    /// <returns>The part of it that no other has; else the URI.</returns>
    public static string Short(string uri, IEnumerable<string> all)
    {
        string part = Part(uri);
        return all.Count(other => Part(other) == part) > 1 ? uri : part;
    }

    // The host, or the socket's or directory's path, or all of it.
    private static string Part(string uri) =>
        !ConnectUri.TryParse(uri, out ConnectUri? parsed) ? uri
        : parsed.Host.Length > 0 ? parsed.Host
        : parsed.Parameter("socket") is { Length: > 0 } socket ? socket
        : parsed is { Driver: "qmp", Path.Length: > 1 } ? parsed.Path
        : parsed is { Driver: "test", Transport: null, Path.Length: > 1 } ? uri[(uri.IndexOf(':', StringComparison.Ordinal) + 1)..].TrimStart('/')
        : uri;
}
