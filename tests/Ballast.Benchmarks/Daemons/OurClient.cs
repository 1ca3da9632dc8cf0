using Ballast.Drivers.Remote;
using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Benchmarks.Daemons;

/// <summary>Ballast's own client, whose calls are awaited.</summary>
internal sealed class OurClient(Connection connection, Domain domain) : IDaemonClient
{
    private const int MaxStats = 16;

    // How long a daemon takes is what is measured: the client shall not give up before it.
    private static readonly ConnectionOptions Patient = new() { DaemonTimeout = TimeSpan.FromMinutes(1) };

    public static async Task<OurClient> OpenAsync(string uri, string domain)
    {
        Connection connection = await Connection.OpenAsync(uri, Patient);
        return new OurClient(connection, await connection.LookupByNameAsync(domain));
    }

    public async ValueTask<int> GetMemoryStatsAsync() => await domain.FillMemoryStatsAsync(new MemoryStat[MaxStats]);

    // Its API has no such call, because it never needs to know.
    public async ValueTask GetLibraryVersionAsync()
    {
        RemoteLink link = await ((RemoteDriver)connection.Driver).LinkAsync(CancellationToken.None);
        _ = await link.CallAsync<Nothing, ULongReply>(RemoteProcedure.ConnectGetLibVersion, default, CancellationToken.None);
    }

    public async ValueTask<int> CountBalloonStatsAsync() =>
        (await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon)).Count;

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
