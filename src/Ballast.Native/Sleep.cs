using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>
/// A thread's sleep until another one ends it. It sleeps at once and is woken once: the runtime's own waits look up again and again
/// first, on a processor that the answer may need, and then meet at a lock.
/// </summary>
internal sealed partial class Sleep
{
    // The system knows it by its address.
    private readonly int[] _hasEnded = GC.AllocateArray<int>(1, pinned: true);

    public Sleep() => End = () => Wake(ref _hasEnded[0]);

    /// <summary>Ends it; also one that has not begun.</summary>
    public Action End { get; }

    public void Reset() => Volatile.Write(ref _hasEnded[0], 0);

    /// <returns>False where the time has passed.</returns>
    public bool WaitFor(TimeSpan time) => WaitFor(ref _hasEnded[0], (long)time.TotalMilliseconds) != 0;

    [LibraryImport("shim", EntryPoint = "shim_sleep")]
    private static partial int WaitFor(ref int hasEnded, long milliseconds);

    [LibraryImport("shim", EntryPoint = "shim_wake")]
    private static partial void Wake(ref int hasEnded);
}
