using System.Globalization;
using System.Text;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU's human monitor, which Ballast never asks: a second opinion that takes no QMP monitor away.</summary>
internal sealed class HumanMonitor : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly StringBuilder _text = new();

    private HumanMonitor(Stream stream) => _stream = stream;

    public static async Task<HumanMonitor> ConnectAsync(string path, CancellationToken cancellationToken) =>
        new(await UnixSocket.ConnectAsync(path, cancellationToken));

    /// <summary>Four bytes of the guest's physical memory, or of a device's registers.</summary>
    public Task<uint> ReadAsync(ulong address, CancellationToken cancellationToken) =>
        Deadline.WithinAsync(Deadline.Default, $"answer of the human monitor about {address:x}", async token =>
        {
            // "00000000feb00f00: 0x00001000", among the echo of what was typed.
            string mark = string.Create(CultureInfo.InvariantCulture, $"{address:x16}: 0x");
            const int digits = 8;
            _text.Clear();
            await _stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"xp /1wx 0x{address:x}\n")), token);
            byte[] buffer = new byte[4096];
            while (true)
            {
                string text = _text.ToString();
                if (text.IndexOf(mark, StringComparison.Ordinal) is var at and >= 0 && text.Length >= at + mark.Length + digits)
                    return uint.Parse(text.AsSpan(at + mark.Length, digits), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                int count = await _stream.ReadAsync(buffer, token);
                if (count == 0)
                    throw new EndOfStreamException("The human monitor was closed.");
                _text.Append(Encoding.ASCII.GetString(buffer, 0, count));
            }
        }, cancellationToken);

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
