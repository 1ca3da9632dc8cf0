namespace Ballast.Daemon;

/// <summary>The monitors' sockets and directories that were named, as they are now. They may come, and be replaced, at any time.</summary>
internal static class QmpPaths
{
    /// <summary>A line for each that does not lead to a QEMU now.</summary>
    public static IEnumerable<string> Missing(IEnumerable<string> paths) => paths.Select(Missing).OfType<string>();

    private static string? Missing(string path)
    {
        try
        {
            return HostFiles.Look(path, followsLinks: true) switch
            {
                null => $"{path} is not there; its QEMUs are served as soon as it is",
                { IsSocket: false, IsDirectory: false } => $"{path} is neither a monitor's socket nor a directory of them; its QEMUs are served as soon as it is",
                _ => null,
            };
        }
        catch (IOException e)
        {
            return $"a monitor's path cannot be looked at: {e.Message}";
        }
    }
}
