using System.Runtime.InteropServices;

namespace Ballast.Daemon;

/// <summary>How many files the daemon may have open, sockets among them.</summary>
internal static partial class OpenFiles
{
    private const int RlimitNofile = 7;

    // Monitors, /proc, the listening sockets, and a client that is just being refused.
    private const int Others = 256, OthersShare = 4;

    /// <summary>
    /// Takes all that the kernel lets us have, as services get few to begin with, and returns how many of so many clients
    /// have room in it. Where a client could not be accepted for want of a file, the listener would try again and again.
    /// </summary>
    public static int MakeRoom(int clients)
    {
        if (GetLimit(RlimitNofile, out Limit limit) != 0)
            return clients;
        if (limit.Soft < limit.Hard && SetLimit(RlimitNofile, limit with { Soft = limit.Hard }) == 0)
            limit = limit with { Soft = limit.Hard };
        int files = (int)Math.Min(limit.Soft, int.MaxValue);
        return Math.Clamp(files - Math.Min(Others, files / OthersShare), 1, clients);
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);

    private readonly record struct Limit(ulong Soft, ulong Hard);
}
