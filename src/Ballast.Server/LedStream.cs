using Ballast.Transports;

namespace Ballast.Server;

/// <summary>A stream of which some bytes were read already; they come first. It leaves the stream open.</summary>
internal sealed class LedStream(ReadOnlyMemory<byte> first, Stream rest) : AsyncStream
{
    private ReadOnlyMemory<byte> _first = first;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_first.IsEmpty)
            return rest.ReadAsync(buffer, cancellationToken);
        int count = Math.Min(_first.Length, buffer.Length);
        _first[..count].CopyTo(buffer);
        _first = _first[count..];
        return new(count);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        rest.WriteAsync(buffer, cancellationToken);
}
