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
        if (Libc.GetRLimit(RlimitNofile, out Libc.Limit limit) != 0)
            return clients;
        if (limit.Soft < limit.Hard && Libc.SetRLimit(RlimitNofile, limit with { Soft = limit.Hard }) == 0)
            limit = limit with { Soft = limit.Hard };
        int files = (int)Math.Min(limit.Soft, int.MaxValue);
        return Math.Clamp(files - Math.Min(Others, files / OthersShare), 1, clients);
    }
}
