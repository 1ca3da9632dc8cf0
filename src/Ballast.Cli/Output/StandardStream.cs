using System.ComponentModel;
using System.Runtime.InteropServices;
using Ballast.Typing;

namespace Ballast.Cli.Output;

/// <summary>
/// Standard output or error. .NET's own console streams swallow a closed pipe, and a program that went on writing to
/// nobody would report success. And a write that waits for a reader would keep the program from ending.
/// </summary>
/// <param name="descriptor">Its number.</param>
/// <param name="ending">Is cancelled when the program is to end: nothing waits for long for a reader any more.</param>
internal sealed class StandardStream(int descriptor, CancellationToken ending = default) : Stream
{
    private const int Interrupted = 4;
    private const int TryAgain = 11;

    // A pipe that has room at all has room for so much.
    private const int Piece = 4096;

    // Often enough for whoever ends the program, and long enough for a reader that is only slow.
    private const int LookMilliseconds = 100, LastMilliseconds = 200;

    // A terminal's room is not known before: only a write that never waits is sure not to.
    private readonly Lazy<int> _writer = new(() => Libc.IsATty(descriptor) == 1 && Reopen(descriptor) is >= 0 and var own ? own : descriptor, LazyThreadSafetyMode.ExecutionAndPublication);

    private readonly Lazy<bool> _isGiven = new(() => StandardDescriptor.IsGiven(descriptor), LazyThreadSafetyMode.PublicationOnly);

    public bool IsTerminal => Libc.IsATty(descriptor) == 1;

    /// <summary>Of the terminal; null where it does not tell.</summary>
    public int? Columns => SizeOf(1);

    /// <summary>Of the terminal; null where it does not tell.</summary>
    public int? Rows => SizeOf(0);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!buffer.IsEmpty && !_isGiven.Value)
            throw new OutputException(StandardDescriptor.NotOpen);
        while (!buffer.IsEmpty)
        {
            AwaitRoom();
            nint written = Libc.Write(_writer.Value, in MemoryMarshal.GetReference(buffer), (nuint)Math.Min(buffer.Length, Piece));
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            int errno = Marshal.GetLastPInvokeError();
            if (errno == TryAgain)
                Thread.Sleep(1); // it was taken by another writer, or somebody else made the terminal non-blocking
            else if (errno != Interrupted)
                throw new OutputException(errno);
        }
    }

    /// <summary>Has a terminal that its user stopped (Ctrl-S) go on.</summary>
    public void Resume()
    {
        const int off = 0, on = 1;
        _ = Libc.TcFlow(_writer.Value, off);
        _ = Libc.TcFlow(_writer.Value, on);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void AwaitRoom()
    {
        long? endsAt = null;
        while (true)
        {
            Libc.PollEntry request = new(_writer.Value, Libc.PollEntry.CanWrite);

            // What it is not ready for is what a write fails with.
            if (Libc.Poll(ref request, 1, ending.IsCancellationRequested ? 1 : LookMilliseconds) != 0 && request.Found != 0)
                return;
            if (!ending.IsCancellationRequested)
                continue;
            endsAt ??= Environment.TickCount64 + LastMilliseconds;
            if (Environment.TickCount64 >= endsAt)
                throw new OperationCanceledException(ending);
        }
    }

    // A second opening of the same terminal. Only it is non-blocking; other users of the terminal are not affected.
    private static int Reopen(int descriptor)
    {
        const int writesOnly = 1, noTerminal = 0x100, nonBlocking = 0x800, closesOnExec = 0x80000;
        return Libc.Open($"/proc/self/fd/{descriptor}", writesOnly | noTerminal | nonBlocking | closesOnExec);
    }

    private int? SizeOf(int which)
    {
        const nuint getWindowSize = 0x5413;
        Span<ushort> size = stackalloc ushort[4];
        return Libc.IoCtl(descriptor, getWindowSize, ref MemoryMarshal.GetReference(size)) == 0 && size[which] > 0 ? size[which] : null;
    }
}

/// <summary>An output cannot be written to.</summary>
internal sealed class OutputException(int errno) : IOException(new Win32Exception(errno).Message)
{
    private const int BrokenPipe = 32;

    /// <summary>The reader left, as <c>head</c> does: nothing worth a message.</summary>
    public bool IsReaderGone => errno == BrokenPipe;
}
