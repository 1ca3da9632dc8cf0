using Ballast.Server;

namespace Ballast.Tests.Rpc;

/// <summary>Lines of ballastd's log that hold text of clients.</summary>
public sealed class LogLineTests
{
    [Theory]
    [InlineData('\u0001')]
    [InlineData('\'')]
    [InlineData('\u202e')]
    [InlineData('a')]
    public void What_a_client_calls_a_domain_takes_little_of_the_line(char c)
    {
        string line = new ClientChange("balloon size 1048576 KiB", new string(c, 1_000_000), Guid.Empty, IsSure: false).ToString();
        Assert.InRange(line.Length, 256, 2000);
        Assert.Contains("…' (00000000-0000-0000-0000-000000000000), without an answer", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("\u0001")]
    [InlineData("\n")]
    [InlineData("\U0001F600")]
    public void However_long_a_text_is_a_line_is_not(string part)
    {
        string text = string.Concat(Enumerable.Repeat(part, 1_000_000)), line = LogLine.Of(text);
        Assert.InRange(line.Length, LogLine.Most - 1, LogLine.Most + 1);
        Assert.EndsWith("…", line, StringComparison.Ordinal);
        Assert.DoesNotContain(line, char.IsControl);
        Assert.False(char.IsHighSurrogate(line[^2]));
    }

    [Fact]
    public void Ordinary_text_stays_as_it_is()
    {
        string longest = new('a', LogLine.Most);
        Assert.Equal(longest, LogLine.Of(longest));
        Assert.Equal("one\\x0atwo", LogLine.Of("one\ntwo"));
        Assert.Equal("start of domain 'web' (00000000-0000-0000-0000-000000000000)", new ClientChange("start", "web", Guid.Empty, IsSure: true).ToString());
    }
}
