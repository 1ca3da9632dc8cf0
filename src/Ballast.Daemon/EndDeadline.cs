using Ballast.Server;

namespace Ballast.Daemon;

/// <summary>
/// Ends the process within a second of the signal, even if something hangs: a file system, a busy processor, a fault of ours. It uses a
/// thread of its own that sleeps, since the runtime's workers and timers may be what hangs.
/// </summary>
internal sealed class EndDeadline
{
    /// <summary>Longest time from the signal to the end.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(800);

    private readonly TaskCompletionSource _begun = new();
    private volatile Action? _last;

    /// <summary>Waits for <see cref="Begin"/> on a thread of its own, which is there before anything can keep one from being made.</summary>
    /// <exception cref="IOException">The system has no room for it.</exception>
    public EndDeadline()
    {
        if (!Background.TryStartThread("Ballast end", Run))
            throw new IOException("there is no room for its threads: raise TasksMax or ulimit -u");
    }

    /// <summary>What is done before the process ends that way; it must not wait.</summary>
    public void Before(Action last) => _last = last;

    /// <summary>From now on the time runs.</summary>
    public void Begin() => _ = _begun.TrySetResult();

    private void Run()
    {
        _begun.Task.Wait();
        Thread.Sleep(Longest);

        // It may hang, too, and so may who reads the log.
        if (_last is { } last)
        {
            _ = Background.TryStartThread("Ballast last", () =>
            {
                last();
                Console.Error.WriteLine("ballastd: ended though something still waited; a guest's collection period may be left as it was set");
            });
        }

        const int lastMilliseconds = 50;
        Thread.Sleep(lastMilliseconds);
        Libc.ExitNow(0);
    }
}
