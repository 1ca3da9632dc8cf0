using System.Buffers.Binary;

namespace Ballast.Guests;

/// <summary>
/// One split virtqueue in the guest's memory, with one fixed buffer per descriptor. It only says which reads and writes
/// are due: who sends them decides what goes in one turn of QEMU's main loop.
/// </summary>
internal sealed class Virtqueue(int index, ulong address)
{
    public const int Size = 16;
    public const int BufferSize = 4096;

    /// <summary>Guest memory that one queue takes, rings and buffers.</summary>
    public const ulong Footprint = RingSpace + (Size * BufferSize);

    private const ulong RingSpace = 4096;
    private const ulong DriverOffset = 1024;
    private const ulong DeviceOffset = 2048;
    private const int DescriptorSize = 16;

    private ushort _available;

    public int Index => index;

    public ulong DescriptorArea => address;

    public ulong DriverArea => address + DriverOffset;

    public ulong DeviceArea => address + DeviceOffset;

    /// <summary>How many buffers the device has given back (modulo 2^16, as everywhere in the ring).</summary>
    public ushort Used { get; private set; }

    /// <summary>How many buffers the device holds.</summary>
    public int Outstanding => (ushort)(_available - Used);

    /// <summary>Empties the rings, as a driver does before it hands them to a device that was reset.</summary>
    public string Clear()
    {
        Forget();
        return $"memset 0x{address:x} 0x{RingSpace:x} 0x0\n";
    }

    /// <summary>After a reset the device holds nothing.</summary>
    public void Forget()
    {
        _available = 0;
        Used = 0;
    }

    /// <summary>Puts a buffer in the available ring; the device sees it at the next notification.</summary>
    public IReadOnlyList<string> Add(ReadOnlySpan<byte> content)
    {
        if (content.Length > BufferSize)
            throw new ArgumentException($"A buffer holds {BufferSize} bytes.", nameof(content));
        if (Outstanding == Size)
            throw new InvalidOperationException($"The device holds all buffers of queue {index}.");
        var slot = _available % Size;
        var buffer = address + RingSpace + (ulong)(slot * BufferSize);
        Span<byte> descriptor = stackalloc byte[DescriptorSize];
        BinaryPrimitives.WriteUInt64LittleEndian(descriptor, buffer);
        BinaryPrimitives.WriteInt32LittleEndian(descriptor[8..], content.Length);
        descriptor[12..].Clear(); // Neither chained nor writable by the device.
        _available++;
        List<string> commands = [];
        if (!content.IsEmpty)
            commands.Add(QtestConnection.WriteBytes(buffer, content));
        commands.Add(QtestConnection.WriteBytes(DescriptorArea + (ulong)(slot * DescriptorSize), descriptor));
        commands.Add(QtestConnection.WriteWord(DriverArea + 4 + (ulong)(slot * 2), (ushort)slot));
        commands.Add(QtestConnection.WriteWord(DriverArea + 2, _available));
        return commands;
    }

    public string ReadUsed() => QtestConnection.ReadWord(DeviceArea + 2);

    /// <summary>Takes the answer to <see cref="ReadUsed"/>; returns how many more buffers came back.</summary>
    public int AcceptUsed(string answer)
    {
        var used = (ushort)QtestConnection.ParseNumber(answer);
        var returned = (ushort)(used - Used);
        Used = used;
        return returned;
    }
}
