using System.Buffers.Binary;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The names in a directory, but for those that begin with a dot: nothing else of them is looked at, and nothing followed.</summary>
internal ref struct DirectoryEntries(SafeFileHandle directory, Span<byte> buffer)
{
    // Each: inode, offset, length, type, name.
    private const int LengthAt = 16, NameAt = 19;

    private readonly Span<byte> _buffer = buffer;
    private Span<byte> _entries;

    /// <summary>A name, with its final zero byte behind it.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>Whether the directory could not be read to its end.</summary>
    public bool HasFailed { get; private set; }

    public readonly DirectoryEntries GetEnumerator() => this;

    public bool MoveNext()
    {
        while (true)
        {
            if (_entries.IsEmpty)
            {
                nint length = Libc.GetDents64(directory, _buffer, _buffer.Length);
                HasFailed = length < 0;
                if (length <= 0)
                    return false;
                _entries = _buffer[..(int)length];
            }

            Span<byte> entry = _entries[..BinaryPrimitives.ReadUInt16LittleEndian(_entries[LengthAt..])];
            _entries = _entries[entry.Length..];
            Current = entry[NameAt..(NameAt + entry[NameAt..].IndexOf((byte)0))];
            if (Current is not [(byte)'.', ..])
                return true;
        }
    }
}
