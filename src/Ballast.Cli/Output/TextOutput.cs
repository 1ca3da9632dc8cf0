using System.Buffers;
using System.Text;

namespace Ballast.Cli.Output;

/// <summary>UTF-8 text to a stream, written when <see cref="Flush"/> is called or much has come together.</summary>
internal sealed class TextOutput(Stream stream) : IBufferWriter<byte>
{
    private const int FlushAt = 32 * 1024;

    private readonly ArrayBufferWriter<byte> _buffer = new(1024);

    public void Write(string text)
    {
        _ = Encoding.UTF8.GetBytes(text, _buffer);
        if (_buffer.WrittenCount >= FlushAt)
            Flush();
    }

    public void WriteLine(string text)
    {
        Write(text);
        Write("\n");
    }

    public void Flush()
    {
        if (_buffer.WrittenCount == 0)
            return;
        try
        {
            stream.Write(_buffer.WrittenSpan);
        }
        finally
        {
            // What could not be written now is lost: nobody must try again on the way out.
            _buffer.ResetWrittenCount();
        }
    }

    public void Advance(int count) => _buffer.Advance(count);

    public Memory<byte> GetMemory(int sizeHint = 0) => _buffer.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => _buffer.GetSpan(sizeHint);
}
