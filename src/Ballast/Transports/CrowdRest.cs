using System.Diagnostics;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>
/// Lets one of the threads that wait for the same sockets rest while another gets on alone. Where many clients call at once, each message
/// would wake one thread or the other, and it sleeps again at once: that costs more than to handle the message. Who rests looks every
/// millisecond whether the other got on in it. Where that one is held up, what waits is taken after two such times at the latest.
/// </summary>
internal sealed class CrowdRest
{
    private const int Milliseconds = 1;

    // So many handled by others in that time are a crowd: who waits for a QEMU's answers asks less often.
    private const int Crowd = 4;

    private static readonly long Round = Stopwatch.Frequency * Milliseconds / 1000;

    private int _handled;
    private int _isResting;

    /// <summary>A thread has handled what came. It rests in here where the others get on without it.</summary>
    public void Handled(ref Share share)
    {
        if (!TryBegin(ref share, Stopwatch.GetTimestamp()))
            return;
        int before;
        do
        {
            before = Volatile.Read(ref _handled);
            Libc.PollRequest nothing = default;
            _ = Libc.Poll(ref nothing, 0, Milliseconds);
        }
        while (GetOn(before));
        End();
    }

    /// <summary>Counts what a thread has handled.</summary>
    /// <returns>Whether it is to rest: there are others who get on, and none of them rests.</returns>
    internal bool TryBegin(ref Share share, long now)
    {
        int others = Interlocked.Increment(ref _handled) - ++share.Own;
        if (now - share.Since > Round)
        {
            (share.Since, share.Others) = (now, others);
            return false;
        }

        return others - share.Others >= Crowd && Interlocked.CompareExchange(ref _isResting, 1, 0) == 0;
    }

    /// <summary>Whether others have handled enough since there were so many.</summary>
    internal bool GetOn(int before) => Volatile.Read(ref _handled) - before >= Crowd;

    internal void End() => Volatile.Write(ref _isResting, 0);

    /// <summary>What one thread knows: what it handled, and what the others had when it looked.</summary>
    internal struct Share
    {
        public int Own;
        public int Others;
        public long Since;
    }
}
