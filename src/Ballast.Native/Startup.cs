using System.Runtime.InteropServices;
using System.Text;

namespace Ballast.Native;

/// <summary>
/// What one thread does before any other enters managed code. The runtime's locks find out how long to spin when two
/// threads first meet at one, and read an environment variable for it, as UTF-8. Where they meet while one of them makes
/// the runtime's UTF-8 encoding, that encoding is needed before it is made: it fails, and with it every text for the rest
/// of the process, those of errors too. So both are made here, one after the other.
/// </summary>
internal static class Startup
{
    private const string AnyVariable = "PATH";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <returns>0 where there was no room for what is made here: calls that wait for time to pass, or for the pool, would wait for ever.</returns>
    [UnmanagedCallersOnly(EntryPoint = "managed_start")]
    private static int Start()
    {
        try
        {
            AppContext.SetData("Ballast.StartThread", (Action<Thread>)StartThread);
            AppContext.SetData("Ballast.Forks", Shim.Forks());
            AppContext.SetData("Ballast.Returns", Shim.Returns());
            _ = Encoding.UTF8.GetByteCount(Environment.GetEnvironmentVariable(AnyVariable) ?? "");
            MeetAtALock();
            return StartThreads() ? 1 : 0;
        }
        catch (Exception)
        {
            // Without memory or threads: the call that brought us here fails of it, and a later one tries again.
            return 0;
        }
    }

    // The library's own, which goes on without.
    private static void StartThread(Thread thread)
    {
        Shim.ThreadsMayFail(1);
        try
        {
            thread.Start();
        }
        finally
        {
            Shim.ThreadsMayFail(0);
        }
    }

    // That of the timers and all that the pool wants. The shim has just seen that there is room for them; later there may be none:
    // calls would wait for what nobody does, and the pool would end the process.
    private static bool StartThreads()
    {
        ThreadPool.GetMinThreads(out int wanted, out _);
        CountdownEvent together = new(wanted);
        for (int i = 0; i < wanted; i++)
            _ = ThreadPool.UnsafeQueueUserWorkItem(Stand, together, preferLocal: false);
        using Timer timer = new(static _ => { }, null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        return together.Wait(Patience);

        static void Stand(CountdownEvent together)
        {
            _ = together.Signal();
            _ = together.Wait(Patience);
        }
    }

    private static void MeetAtALock()
    {
        Lock gate = new();
        lock (gate)
        {
            // Only who has time to wait looks how to.
            Thread other = new(() => gate.TryEnter(TimeSpan.FromMilliseconds(1))) { IsBackground = true };

            // The shim learns by it what threads of managed code begin with.
            StartThread(other);
            other.Join();
        }
    }
}
