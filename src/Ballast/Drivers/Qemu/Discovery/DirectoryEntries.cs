using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The names in a directory: nothing else of them is looked at, and nothing followed.</summary>
/// <param name="directory">The directory.</param>
/// <param name="buffer">Room for some of them.</param>
/// <param name="shown">What the directory is called where it cannot be read.</param>
/// <param name="kind">What reading it may wait for.</param>
internal ref struct DirectoryEntries(SafeFileHandle directory, Span<byte> buffer, string shown, LookKind kind)
{
    // Each: inode, offset, length, type, name.
    private const int LengthAt = 16, NameAt = 19;

    private readonly Span<byte> _buffer = buffer;
    private Span<byte> _entries;

    /// <summary>A name, with its final zero byte behind it.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>Whether names that begin with a dot are among them, but for the directory itself and the one above it.</summary>
    public bool TakesHidden { get; init; }

    /// <summary>Whether the directory could not be read to its end.</summary>
    public bool HasFailed { get; private set; }

    public readonly DirectoryEntries GetEnumerator() => this;

    public bool MoveNext()
    {
        while (true)
        {
            if (_entries.IsEmpty)
            {
                nint length = HostCalls.GetDents(directory, _buffer, shown, kind);
                HasFailed = length < 0;
                if (length <= 0)
                    return false;
                _entries = _buffer[..(int)length];
            }

            Span<byte> entry = _entries[..BinaryPrimitives.ReadUInt16LittleEndian(_entries[LengthAt..])];
            _entries = _entries[entry.Length..];
            Current = entry[NameAt..(NameAt + entry[NameAt..].IndexOf((byte)0))];
            if (Current is not [(byte)'.', ..] || (TakesHidden && Current is not ([_] or [_, (byte)'.'])))
                return true;
        }
    }
}
