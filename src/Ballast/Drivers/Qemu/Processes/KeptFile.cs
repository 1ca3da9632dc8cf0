using Ballast.Drivers.Qemu.Discovery;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>A file of a process that is kept open and read again and again from its beginning.</summary>
internal sealed class KeptFile(SafeFileHandle file) : IDisposable
{
    private const int NoProcess = 3;

    private readonly OwnDescriptor _descriptor = new(file);

    /// <summary>False where there is no such file.</summary>
    public bool IsOpen => !file.IsInvalid;

    /// <summary>False where the program has closed it, as a descriptor of its own.</summary>
    public bool IsOurs => _descriptor.IsLikelyOurs;

    /// <summary>False where there is no such process any more, or the file was closed.</summary>
    public bool TryRead(ref Span<byte> text) => TryRead(ref text, out _);

    /// <summary>The same.</summary>
    /// <param name="text">What was read.</param>
    /// <param name="isAnswer">False where the file could not be read, which says nothing of the process.</param>
    public bool TryRead(ref Span<byte> text, out bool isAnswer)
    {
        isAnswer = true;
        try
        {
            if (!IsOpen || !IsOurs)
                return false;
            int length = HostCalls.ReadAgain(file, text, out int errno);
            isAnswer = errno is 0 or NoProcess;
            text = text[..Math.Max(length, 0)];

            // Before an end is believed, or what no such file says: it may be another file's, such as /dev/null.
            if (text is not [>= (byte)'1' and <= (byte)'9', ..] && !_descriptor.IsStillOurs())
            {
                isAnswer = false;
                text = [];
            }

            return !text.IsEmpty;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        // Its number is another file's.
        if (!_descriptor.IsStillOurs())
            file.SetHandleAsInvalid();
        file.Dispose();
    }
}
