using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>
/// The calls of the program's functions that each thread is about to make. The shim asks for one after the other and makes them
/// itself, so that no frame of ours is below: a function may leave by a jump. What was to be done after it is done at the thread's next
/// call then.
/// </summary>
internal static unsafe class HostCalls
{
    [ThreadStatic]
    private static Stack<(nint Mark, IEnumerator<HostCall> Calls)>? _open;

    /// <param name="mark">An address on the stack, where the shim makes them.</param>
    /// <param name="calls">What comes after each call is done when that has returned.</param>
    public static void Begin(nint mark, IEnumerable<HostCall> calls)
    {
        Stack<(nint Mark, IEnumerator<HostCall> Calls)> open = _open ??= new();

        // Stacks grow downwards: what stands here or further down was left by a jump.
        EndBelow(open, mark + 1);
        open.Push((mark, calls.GetEnumerator()));
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_next_call")]
    private static int Next(nint mark, HostCall* call)
    {
        try
        {
            if (_open is not { } open)
                return 0;
            EndBelow(open, mark);
            if (!open.TryPeek(out (nint Mark, IEnumerator<HostCall> Calls) top) || top.Mark != mark)
                return 0;
            if (top.Calls.MoveNext())
            {
                *call = top.Calls.Current;
                return 1;
            }

            EndBelow(open, mark + 1);
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    private static void EndBelow(Stack<(nint Mark, IEnumerator<HostCall> Calls)> open, nint mark)
    {
        while (open.TryPeek(out (nint Mark, IEnumerator<HostCall> Calls) top) && top.Mark < mark)
        {
            _ = open.Pop();
            top.Calls.Dispose();
        }
    }
}
