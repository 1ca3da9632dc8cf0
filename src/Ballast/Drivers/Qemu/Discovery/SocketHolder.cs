using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Who is connected to a socket; for error messages, where it may be looked up without haste.</summary>
internal static class SocketHolder
{
    /// <summary>The program and process id at the other end of the connection to a bound path, or null where it cannot be told.</summary>
    public static string? Describe(string path)
    {
        SocketFile? file = SocketFile.Of(path);
        HashSet<uint> clients = [.. UnixSocketDiag.Read()
            .Where(socket => socket.IsAt(path, file))
            .SelectMany(socket => socket.Clients)];
        return clients.Count == 0 ? null : FindOwner(clients);
    }

    private static string? FindOwner(HashSet<uint> inodes)
    {
        HashSet<string> links = [.. inodes.Select(inode => string.Create(CultureInfo.InvariantCulture, $"socket:[{inode}]"))];
        foreach (int pid in ProcessTable.Pids())
        {
            try
            {
                foreach (string descriptor in Directory.EnumerateFiles($"/proc/{pid}/fd"))
                {
                    if (new FileInfo(descriptor).LinkTarget is { } target && links.Contains(target))
                        return $"{DisplayText.Escape(File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n'))} (process {pid})";
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Gone meanwhile, or another user's.
            }
        }

        return null;
    }
}
