using System.Text;

namespace Ballast.Tests;

/// <summary>Names are bytes to Linux: each comes back as it was.</summary>
public sealed class PathTextTests
{
    [Fact]
    public void Every_name_comes_back_and_no_two_are_one_text()
    {
        Random random = new(4711);
        Dictionary<string, byte[]> names = [];

        // Among few bytes, so that many are nearly characters, and many the same.
        byte[] some = [.. "a,/"u8, 0xC3, 0xA9, 0xED, 0xB2, 0x80, 0xF0, 0x9F, 0x8E, 0x88, 0xEF, 0xBF, 0xBD, 0xFE, 0xFF];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] name = random.GetItems(some, random.Next(1, 7));
            string text = PathText.Decode(name);
            Assert.Equal(name, PathText.Encode(text));
            Assert.Equal(name.Length, PathText.ByteCount(text));
            Assert.True(name.Length <= PathText.MaxBytes(text));
            Assert.Equal(names.TryAdd(text, name) ? name : names[text], name);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/run/vm1.sock")]
    [InlineData("näme 🎈 \uFFFD")]
    public void Text_is_what_it_is(string text)
    {
        Assert.Equal(text, PathText.Decode(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(Encoding.UTF8.GetBytes(text), PathText.Encode(text));
        Assert.Equal(text, PathText.Escaped(text));
        Assert.Equal(text, PathText.Replaced(text));
    }

    [Fact]
    public void What_is_no_text_is_shown_as_bytes_and_handed_on_as_others_decode_it()
    {
        string name = PathText.Decode([.. "🎈/"u8, 0xFF, .. "x"u8, 0xC3]);
        Assert.Equal(@"🎈/\xffx\xc3", PathText.Escaped(name));
        Assert.Equal("🎈/\uFFFDx\uFFFD", PathText.Replaced(name));
        Assert.Equal(@"\x1b\xff", Ballast.Drivers.DisplayText.Escape(PathText.Decode([0x1B, 0xFF])));
        Assert.EndsWith(@"'\xff' is gone", LibvirtError.System(2, ErrorOrigin.Qemu, $"'{PathText.Decode([0xFF])}' is gone").Message, StringComparison.Ordinal);
        Assert.Equal("/vm\uDCFF%", ConnectUri.Parse("qmp:///vm%ff%25").Path);
        Assert.Equal("/vm\uFFFD", ConnectUri.Parse("qmp:///vm%EF%BF%BD").Path);
    }
}
