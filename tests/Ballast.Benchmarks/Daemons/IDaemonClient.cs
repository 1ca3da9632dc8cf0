namespace Ballast.Benchmarks.Daemons;

/// <summary>A client of a daemon's, with one connection and one domain: libvirt's own, or ours.</summary>
internal interface IDaemonClient : IAsyncDisposable
{
    /// <summary>One domain's statistics; returns how many came.</summary>
    ValueTask<int> GetMemoryStatsAsync();

    /// <summary>The daemon's library version: the protocol and nothing else.</summary>
    ValueTask GetLibraryVersionAsync();

    /// <summary>The balloon's statistics of all domains in one call; returns how many domains there were.</summary>
    ValueTask<int> CountBalloonStatsAsync();
}

/// <summary>Which client.</summary>
internal enum ClientKind
{
    CLibrary,
    Ours,
}
