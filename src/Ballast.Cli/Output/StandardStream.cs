using System.ComponentModel;
using System.Runtime.InteropServices;
using Ballast.Typing;

namespace Ballast.Cli.Output;

/// <summary>
/// Standard output or error. .NET's own console streams swallow a closed pipe, and a program that went on writing to
/// nobody would report success.
/// </summary>
internal sealed partial class StandardStream(int descriptor) : Stream
{
    private const int Interrupted = 4;
    private const int TryAgain = 11;

    private readonly Lazy<bool> _isGiven = new(() => StandardDescriptor.IsGiven(descriptor), LazyThreadSafetyMode.PublicationOnly);

    public bool IsTerminal => IsATerminal(descriptor) == 1;

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
            nint written = WriteDescriptor(descriptor, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            int errno = Marshal.GetLastPInvokeError();
            if (errno == TryAgain)
                Thread.Sleep(1); // somebody else made the terminal non-blocking
            else if (errno != Interrupted)
                throw new OutputException(errno);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private int? SizeOf(int which)
    {
        const nuint getWindowSize = 0x5413;
        Span<ushort> size = stackalloc ushort[4];
        return Control(descriptor, getWindowSize, ref MemoryMarshal.GetReference(size)) == 0 && size[which] > 0 ? size[which] : null;
    }

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int IsATerminal(int descriptor);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(int descriptor, nuint request, ref ushort argument);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteDescriptor(int descriptor, in byte buffer, nuint length);
}

/// <summary>An output cannot be written to.</summary>
internal sealed class OutputException(int errno) : IOException(new Win32Exception(errno).Message)
{
    private const int BrokenPipe = 32;

    /// <summary>The reader left, as <c>head</c> does: nothing worth a message.</summary>
    public bool IsReaderGone => errno == BrokenPipe;
}
