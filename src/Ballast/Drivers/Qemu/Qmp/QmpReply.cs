using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>One reply to a call, as each of those reads it who share the call.</summary>
internal readonly ref struct QmpReply(ReadOnlySpan<byte> body, QmpReading reading)
{
    /// <summary>JSON of its <c>return</c>.</summary>
    public ReadOnlySpan<byte> Body { get; } = body;

    /// <summary>The same as a tree; null where it is none that may be made (<see cref="QmpTree"/>).</summary>
    public JsonElement? Tree => reading.Tree(Body);
}

/// <summary>
/// What was read out of a reply: once, however many share it. A hundred callers must not make a monitor's longest answer a hundred
/// times as expensive as it is.
/// </summary>
internal sealed class QmpReading
{
    private bool _isRead;
    private JsonElement? _tree;
    private QmpError? _error;

    public JsonElement? Tree(ReadOnlySpan<byte> body)
    {
        if (!_isRead)
            _tree = QmpTree.Parse(body);
        _isRead = true;
        return _tree;
    }

    public QmpError Error(ReadOnlySpan<byte> body) => _error ??= QmpError.Parse(body);
}
