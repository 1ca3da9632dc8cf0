using System.Runtime.InteropServices;
using Ballast.Typing;

namespace Ballast.Cli.Shell;

/// <summary>The process's standard input. .NET's own console would change the terminal, and could not be woken.</summary>
/// <param name="onInterrupt">Calls an action at Ctrl-C, until the result is disposed.</param>
internal sealed class StandardInput(Func<Action, IDisposable> onInterrupt) : IShellInput
{
    private const int Descriptor = 0;
    private const int InterruptedCall = 4, InputOutputError = 5, TryAgain = 11;
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800;

    // Made when somebody reads: its other end is written to in order to end a wait.
    private readonly Lazy<(int Read, int Write)> _pipe = new(OpenPipe);
    private readonly Lazy<bool> _isGiven = new(() => StandardDescriptor.IsGiven(Descriptor), LazyThreadSafetyMode.PublicationOnly);
    private volatile bool _isInterrupted;

    public bool IsTerminal => Libc.IsATty(Descriptor) == 1;

    public int Read(Span<byte> buffer, CancellationToken cancellationToken)
    {
        if (!_isGiven.Value)
            return 0;

        // Where nobody types, Ctrl-C ends the program.
        using IDisposable? interrupts = IsTerminal ? onInterrupt(() =>
        {
            _isInterrupted = true;
            Wake();
        }) : null;
        using CancellationTokenRegistration end = cancellationToken.Register(Wake);
        Span<Libc.PollEntry> entries = [new(Descriptor, Libc.PollEntry.CanRead), new(_pipe.Value.Read, Libc.PollEntry.CanRead)];
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entries[0].Found = entries[1].Found = 0;
            if (Libc.Poll(ref MemoryMarshal.GetReference(entries), (nuint)entries.Length, -1) < 0)
            {
                ThrowUnlessTransient();
                continue;
            }

            if (entries[1].Found != 0)
            {
                Span<byte> wakes = stackalloc byte[64];
                _ = Libc.Read(_pipe.Value.Read, ref MemoryMarshal.GetReference(wakes), (nuint)wakes.Length);
                cancellationToken.ThrowIfCancellationRequested();
                if (!_isInterrupted)
                    return IShellInput.Woken;
                _isInterrupted = false;
                return IShellInput.Interrupted;
            }

            nint read = Libc.Read(Descriptor, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (read >= 0)
                return (int)read;

            // A terminal that is gone has no more to say.
            if (Marshal.GetLastPInvokeError() == InputOutputError)
                return 0;
            ThrowUnlessTransient();
        }
    }

    public void Wake()
    {
        byte one = 1;

        // A pipe that is full wakes too.
        _ = Libc.Write(_pipe.Value.Write, in one, 1);
    }

    private static void ThrowUnlessTransient()
    {
        int errno = Marshal.GetLastPInvokeError();
        if (errno is not (InterruptedCall or TryAgain))
            throw new IOException($"cannot read standard input: {Marshal.GetPInvokeErrorMessage(errno)}");
    }

    private static (int Read, int Write) OpenPipe()
    {
        Span<int> ends = stackalloc int[2];
        return Libc.Pipe2(ref MemoryMarshal.GetReference(ends), CloseOnExec | NonBlocking) == 0
            ? (ends[0], ends[1])
            : throw new IOException($"cannot make a pipe: {Marshal.GetLastPInvokeErrorMessage()}");
    }
}
