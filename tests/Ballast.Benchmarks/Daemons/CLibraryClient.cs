namespace Ballast.Benchmarks.Daemons;

/// <summary>libvirt's own client library, whose calls block.</summary>
internal sealed class CLibraryClient(string uri, string domain) : IDaemonClient
{
    private readonly LibvirtClient _client = new(uri, domain);

    public ValueTask<int> GetMemoryStatsAsync() => new(_client.GetMemoryStats());

    public ValueTask GetLibraryVersionAsync()
    {
        _ = _client.GetLibraryVersion();
        return default;
    }

    public ValueTask<int> CountBalloonStatsAsync() => new(_client.CountBalloonStats());

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return default;
    }
}
