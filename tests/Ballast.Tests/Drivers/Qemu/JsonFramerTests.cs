using System.Text;
using Ballast.Drivers.Qemu.Qmp;
using CsCheck;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class JsonFramerTests
{
    [Theory]
    [InlineData("{}", "{}")]
    [InlineData(" \r\n\t{} ", " \r\n\t{}")]
    [InlineData("{\"a\": \"}\"}{", "{\"a\": \"}\"}")]
    [InlineData("{\"a\": \"\\\"}\"} x", "{\"a\": \"\\\"}\"}")]
    [InlineData("{\"a\": \"\\\\\"}{}", "{\"a\": \"\\\\\"}")]
    [InlineData("{\"a\": [{}, [\"]\"]]}\r\n", "{\"a\": [{}, [\"]\"]]}")]
    [InlineData("{\"\": \"\\u0022}\"}", "{\"\": \"\\u0022}\"}")]
    public void A_message_ends_with_its_object(string stream, string message)
    {
        JsonFramer framer = default;

        Assert.True(framer.TryFindEnd(Encoding.UTF8.GetBytes(stream), out int consumed));

        Assert.Equal(message.Length, consumed);
        Assert.False(framer.InMessage);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n")]
    public void Space_is_no_message(string stream)
    {
        JsonFramer framer = default;

        Assert.False(framer.TryFindEnd(Encoding.UTF8.GetBytes(stream), out int consumed));

        Assert.Equal(stream.Length, consumed);
        Assert.False(framer.InMessage);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"a")]
    [InlineData("{\"a\\")]
    [InlineData("{\"a\\\"}")]
    [InlineData("{\"a\": [}")]
    public void A_message_that_has_begun_goes_on(string stream)
    {
        JsonFramer framer = default;

        Assert.False(framer.TryFindEnd(Encoding.UTF8.GetBytes(stream), out int consumed));

        Assert.Equal(stream.Length, consumed);
        Assert.True(framer.InMessage);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("[")]
    [InlineData("]")]
    [InlineData("}")]
    [InlineData("\"")]
    [InlineData("1")]
    [InlineData(",")]
    [InlineData("\0")]
    [InlineData("\uFEFF{}")]
    [InlineData("\v{}")]
    public void What_begins_with_no_object_is_refused(string stream)
    {
        JsonFramer framer = default;

        Assert.Throws<InvalidDataException>(() => framer.TryFindEnd(Encoding.UTF8.GetBytes(stream), out _));
    }

    [Fact]
    public void Nesting_ends_at_its_limit()
    {
        JsonFramer framer = default;
        Assert.False(framer.TryFindEnd(Encoding.UTF8.GetBytes("{\"a\":" + new string('[', QmpLimits.MaxDepth - 1)), out _));

        Assert.Throws<InvalidDataException>(() => framer.TryFindEnd("["u8, out _));
    }

    // However a stream is cut, the same messages come out.
    [Fact]
    public void Where_the_stream_is_cut_does_not_matter()
    {
        Gen<string> character = Gen.OneOf(
            ((string[])["a", "\\\"", "\\\\", "{", "}", "[", "]", "\\u0022", " ", "é"]).Select(Gen.Const).ToArray());
        Gen<string> text = character.Array[0, 6].Select(characters => string.Concat(characters));
        Gen<string> message = Gen.Select(text, text, (name, value) => $"{{\"{name}\": [\"{value}\", {{}}]}}");
        Gen.Select(message.Array[1, 5], Gen.Int[1, 7].Array[1, 20]).Sample((messages, sizes) =>
        {
            byte[] stream = Encoding.UTF8.GetBytes(string.Join("\r\n", messages));
            List<string> found = [];
            JsonFramer framer = default;
            int start = 0, scanned = 0;
            for (int i = 0; scanned < stream.Length; i++)
            {
                int end = Math.Min(scanned + sizes[i % sizes.Length], stream.Length);
                while (scanned < end)
                {
                    bool isEnd = framer.TryFindEnd(stream.AsSpan(scanned..end), out int consumed);
                    scanned += consumed;
                    if (!isEnd)
                        continue;
                    found.Add(Encoding.UTF8.GetString(stream, start, scanned - start).Trim());
                    start = scanned;
                }
            }

            return found.SequenceEqual(messages);
        }, iter: 2000);
    }
}
