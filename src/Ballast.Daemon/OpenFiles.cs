using System.Diagnostics;
using System.Globalization;
using Ballast.Server;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon;

/// <summary>
/// How many files the daemon may have open, sockets among them, and how many of them clients may take. The rest is kept for looks at
/// the host and for the QEMUs, of which each takes a few: for as many as there are, because as many may come.
/// </summary>
/// <param name="files">How many the kernel lets the daemon have.</param>
internal sealed partial class OpenFiles(int files)
{
    private const int RlimitNofile = 7;

    // What the daemon itself has open, with a few clients and QEMUs.
    private const int Fewest = 64;

    // A look at the host, with what is being connected to. A QEMU: its monitor, and two files of its process.
    private const int ForLooks = 16, ForGuest = 3, FewestGuests = 16;

    // Where there are few, clients get most of them all the same.
    private const int MostKept = 4;

    // As with max_clients: the last tenth is for clients that may change something.
    private const int ForPrivileged = 10, FewestPrivileged = 2;

    private static readonly TimeSpan SayInterval = TimeSpan.FromMinutes(1);

    private long _saidAt;
    private long _saidUnclosedAt;

    /// <summary>How many QEMUs there are.</summary>
    public Func<int> Guests { get; set; } = static () => 0;

    /// <summary>Gets a line when clients are refused.</summary>
    public ILogger? Log { get; set; }

    private int Kept => Math.Min(ForLooks + (ForGuest * Math.Max(Guests(), FewestGuests)), files / MostKept);

    /// <summary>Takes all that the kernel lets us have, as services get few to begin with.</summary>
    /// <exception cref="InvalidDataException">They are too few to serve anybody.</exception>
    public static OpenFiles TakeAll()
    {
        if (Libc.GetRLimit(RlimitNofile, out Libc.Limit limit) != 0)
            return new OpenFiles(int.MaxValue);
        if (limit.Soft < limit.Hard && Libc.SetRLimit(RlimitNofile, limit with { Soft = limit.Hard }) == 0)
            limit = limit with { Soft = limit.Hard };
        return limit.Soft >= Fewest
            ? new OpenFiles((int)Math.Min(limit.Soft, int.MaxValue))
            : throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"The limit of open files is {limit.Soft} (LimitNOFILE=, ulimit -n); ballastd needs at least {Fewest}"));
    }

    /// <summary>How many more clients there is room for now.</summary>
    public int CountRoom() => Math.Max(files - Kept - Directory.GetFiles("/proc/self/fd").Length, 0);

    /// <summary>Whether a client of this host that may only read is accepted now (<see cref="ClientLane.MayAcceptReaders"/>).</summary>
    public bool AcceptsReaders()
    {
        bool may = ClientLane.MayAcceptReaders(files);
        if (!may && Log is { } log && IsTimeToSay(ref _saidUnclosedAt))
            TooManyUnclosed(log, ClientLane.Unclosed);
        return may;
    }

    /// <summary>
    /// Whether a client that was accepted may stay. The kernel gives it the lowest number that is free: so many files are open, and
    /// nobody has to count them.
    /// </summary>
    /// <param name="descriptor">Its socket's number.</param>
    /// <param name="isPrivileged">Whether clients come there that may change something.</param>
    public bool Admits(nint descriptor, bool isPrivileged)
    {
        int most = files - Kept;
        if (!isPrivileged)
            most -= Math.Max(most / ForPrivileged, FewestPrivileged);
        if (descriptor < most)
            return true;
        SayFull();
        return false;
    }

    /// <summary>Says that clients are refused; once in a while, because who comes and goes at the limit shall not fill the log.</summary>
    public void SayFull()
    {
        if (Log is { } log && IsTimeToSay(ref _saidAt))
            Full(log, files, Kept);
    }

    private static bool IsTimeToSay(ref long saidAt)
    {
        long last = Volatile.Read(ref saidAt), now = Stopwatch.GetTimestamp();
        return (last == 0 || Stopwatch.GetElapsedTime(last, now) >= SayInterval) && Interlocked.CompareExchange(ref saidAt, now, last) == last;
    }

    [LoggerMessage(3, LogLevel.Warning, "Further clients are refused: of {Files} files (LimitNOFILE), {Kept} are kept for QEMUs, and the others are open")]
    private static partial void Full(ILogger log, int files, int kept);

    [LoggerMessage(4, LogLevel.Warning, "Clients that may only read wait: {Unclosed} sockets of earlier ones cannot be closed, because files that they passed take long to close")]
    private static partial void TooManyUnclosed(ILogger log, int unclosed);
}
