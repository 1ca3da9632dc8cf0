namespace Ballast.Server;

/// <summary>
/// How often the QEMUs of a host are asked for those who may only read. A QEMU reads its monitor byte by byte, so a question
/// costs its host up to some milliseconds of a processor; guests report at most once a second.
/// </summary>
internal sealed class ReaderPace(TimeProvider time)
{
    // Of the host's processors such rounds take a few hundredths.
    private static readonly TimeSpan ProcessorTime = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100), Longest = TimeSpan.FromSeconds(1);

    // Who has asked for nothing lately may ask a few times at once.
    private const int Saved = 3;

    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();
    private TimeSpan _next;
    private TimeSpan _pace = Between(0);

    /// <summary>So many domains, or more, have the longest pace.</summary>
    public static int Many => (int)Math.Ceiling(Longest / (ProcessorTime / Environment.ProcessorCount));

    /// <summary>From the beginning of a round of so many domains to that of the next.</summary>
    public static TimeSpan Between(int domains)
    {
        TimeSpan share = domains * (ProcessorTime / Environment.ProcessorCount);
        return share < Shortest ? Shortest : share > Longest ? Longest : share;
    }

    /// <summary>How many rounds may begin at once, where none was for long.</summary>
    public static int AtOnce => Saved + 1;

    /// <summary>Whether more was taken than the time until now allows.</summary>
    public bool IsAhead
    {
        get
        {
            lock (_gate)
                return _next > time.GetElapsedTime(_start);
        }
    }

    /// <summary>Takes the next round, and returns how long to wait for it.</summary>
    /// <param name="price">How long it keeps the next one waiting.</param>
    public TimeSpan Take(TimeSpan price)
    {
        lock (_gate)
        {
            TimeSpan now = time.GetElapsedTime(_start), wait = _next - now - (Saved * price);
            _next = (_next > now ? _next : now) + price;
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }
    }

    /// <summary>A round that was taken had another price, or none.</summary>
    public void Correct(TimeSpan taken, TimeSpan price)
    {
        lock (_gate)
            _next += price - taken;
    }

    /// <summary>Takes the next round where it may begin now, and returns zero; else how long it is until one may.</summary>
    public TimeSpan TryTake()
    {
        lock (_gate)
        {
            TimeSpan now = time.GetElapsedTime(_start);
            if (_next > now)
                return _next - now;
            _next = now + _pace;
            return TimeSpan.Zero;
        }
    }

    /// <summary>So many domains are asked in a round, by which those that were taken ahead are counted too.</summary>
    public void Has(int domains)
    {
        lock (_gate)
        {
            TimeSpan now = time.GetElapsedTime(_start), pace = Between(domains);
            if (_next > now)
                _next = now + ((_next - now) * (pace / _pace));
            _pace = pace;
        }
    }
}
