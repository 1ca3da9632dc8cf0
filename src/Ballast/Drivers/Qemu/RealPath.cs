using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu;

/// <summary>One name for each socket, whatever symbolic links lead to it.</summary>
internal static class RealPath
{
    // A path that its user named is followed wherever it leads.
    private static readonly Dictionary<string, string> NoMounts = [];

    /// <summary>The path without symbolic links; unchanged from where it does not exist, and where its links are a loop.</summary>
    public static string Of(string path) => SafeSocketPath.TryResolve(path, NoMounts, out string resolved, out _) ? resolved : path;
}
