namespace Ballast.Daemon;

/// <summary>The simulated hosts that clients may open: libvirt's, and those of the files that the configuration names.</summary>
internal sealed class TestHosts : IAsyncDisposable
{
    private readonly List<(string Name, Connection Connection)> _all = [];

    /// <summary>Each with the name that clients open it by, a URI.</summary>
    public IReadOnlyList<(string Name, Connection Connection)> All => _all;

    /// <exception cref="LibvirtException">A file cannot be read, or does not describe a host.</exception>
    public static async Task<TestHosts> OpenAsync(IEnumerable<string> files, ConnectionOptions how)
    {
        TestHosts hosts = new();
        try
        {
            foreach (string path in files.Prepend("/default"))
            {
                string name = $"test://{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}";
                hosts._all.Add((name, await Connection.OpenAsync(name, how).ConfigureAwait(false)));
            }

            return hosts;
        }
        catch
        {
            await hosts.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach ((_, Connection connection) in _all)
            await connection.DisposeAsync().ConfigureAwait(false);
    }
}
