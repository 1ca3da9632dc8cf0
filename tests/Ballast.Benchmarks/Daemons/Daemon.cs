using System.Globalization;

namespace Ballast.Benchmarks.Daemons;

/// <summary>A daemon that is measured.</summary>
internal sealed record Daemon(string Name, string Uri, int Pid)
{
    public long ResidentMib
    {
        get
        {
            const int resident = 1;
            long pages = long.Parse(File.ReadAllText($"/proc/{Pid}/statm").Split(' ')[resident], CultureInfo.InvariantCulture);
            return pages * Environment.SystemPageSize >> 20;
        }
    }

    /// <summary>The most that was resident at a time since it started.</summary>
    public long PeakResidentKib => long.Parse(
        File.ReadLines($"/proc/{Pid}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    public int Threads => Directory.GetDirectories($"/proc/{Pid}/task").Length;

    public async Task<IDaemonClient> OpenAsync(ClientKind kind, string domain = DaemonPair.FirstDomain) => kind == ClientKind.CLibrary
        ? new CLibraryClient(Uri, domain)
        : await OurClient.OpenAsync(Uri, domain);

    public async Task<IDaemonClient[]> OpenManyAsync(ClientKind kind, int count, string domain = DaemonPair.FirstDomain)
    {
        IDaemonClient[] clients = new IDaemonClient[count];
        for (int i = 0; i < count; i++)
            clients[i] = await OpenAsync(kind, domain);
        return clients;
    }
}
