namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// Finds where each top-level JSON object of a stream ends, without looking at a byte twice. Lines are no help: QEMU's
/// pretty monitors spread one message over many.
/// </summary>
internal struct JsonFramer
{
    private int _depth;
    private bool _inString;
    private bool _escaped;

    /// <summary>Whether a message has begun and not ended.</summary>
    public readonly bool InMessage => _depth > 0;

    /// <summary>Goes through more bytes of the stream.</summary>
    /// <param name="bytes">The bytes that follow those of the last call.</param>
    /// <param name="consumed">How many of them belong to the message, or to the space before it.</param>
    /// <returns>Whether the message is complete with them.</returns>
    /// <exception cref="InvalidDataException">This is not JSON objects, or they are nested too deep.</exception>
    public bool TryFindEnd(ReadOnlySpan<byte> bytes, out int consumed)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            byte b = bytes[i];
            if (_inString)
            {
                if (_escaped)
                    _escaped = false;
                else if (b == (byte)'\\')
                    _escaped = true;
                else if (b == (byte)'"')
                    _inString = false;
                continue;
            }

            switch (b)
            {
                case (byte)'"' when _depth > 0:
                    _inString = true;
                    break;
                case (byte)'{':
                case (byte)'[' when _depth > 0:
                    if (++_depth > QmpLimits.MaxDepth)
                        throw new InvalidDataException($"it sent JSON nested deeper than {QmpLimits.MaxDepth}");
                    break;
                case (byte)'}' or (byte)']' when _depth > 0:
                    if (--_depth == 0)
                    {
                        consumed = i + 1;
                        return true;
                    }

                    break;
                default:
                    if (_depth == 0 && b is not ((byte)' ' or (byte)'\r' or (byte)'\n' or (byte)'\t'))
                        throw new InvalidDataException("it sent something that is not JSON");
                    break;
            }
        }

        consumed = bytes.Length;
        return false;
    }
}
