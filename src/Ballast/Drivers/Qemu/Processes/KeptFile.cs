using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>A file of a process that is kept open and read again and again from its beginning.</summary>
internal sealed class KeptFile(SafeFileHandle file) : IDisposable
{
    private readonly OwnDescriptor _descriptor = new(file);

    /// <summary>False where there is no such file.</summary>
    public bool IsOpen => !file.IsInvalid;

    /// <summary>False where the program has closed it, as a descriptor of its own.</summary>
    public bool IsOurs => _descriptor.IsOurs;

    /// <summary>False where there is no such process any more, or the file was closed.</summary>
    public bool TryRead(ref Span<byte> text)
    {
        try
        {
            if (!IsOpen || !IsOurs)
                return false;
            text = text[..RandomAccess.Read(file, text, 0)];
            return !text.IsEmpty;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
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
