using System.Numerics;
using Ballast.Cli.Commands;
using Ballast.Cli.Help;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using CsCheck;

namespace Ballast.Tests.Cli;

public sealed class TextTests
{
    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("été 日本 👍🏽", "été 日本 👍🏽")]
    [InlineData("a\tb\nc\r", "a\\x09b\\x0ac\\x0d")]
    [InlineData("\x1b[2J", "\\x1b[2J")]
    [InlineData("\x7f\u0085\u009b", "\\x7f\\xc2\\x85\\xc2\\x9b")]
    [InlineData("a\u202eb\u2066\u2028", "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6\\xe2\\x80\\xa8")]
    public void Text_that_rules_terminals_is_escaped(string text, string expected) => Assert.Equal(expected, SafeText.Escape(text));

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("é", 1)]
    [InlineData("e\u0301", 1)]
    [InlineData("日本", 4)]
    [InlineData("👍", 2)]
    public void Width_is_in_columns(string text, int columns) => Assert.Equal(columns, SafeText.Width(text));

    // A command to paste changes something, and a socket for those who only read refuses that.
    [Theory]
    [InlineData("qemu+unix:///system?socket=/run/x-ro/sock-ro", "'qemu+unix:///system?socket=/run/x-ro/sock'")]
    [InlineData("qemu+unix:///system?socket=/a-ro;keepalive=1", "'qemu+unix:///system?socket=/a;keepalive=1'")]
    [InlineData("qemu+unix:///system?socket=/run/x-ro/sock&name=y-ro", "'qemu+unix:///system?socket=/run/x-ro/sock&name=y-ro'")]
    [InlineData("qemu+ssh://host-ro/system", "qemu+ssh://host-ro/system")]
    public async Task A_command_to_paste_names_the_socket_by_which_it_can_be_done(string uri, string named)
    {
        await using Connection connection = new(new FakeDriver(new FakeDomain("vm", 1)), uri, new ConnectionOptions());
        Domain domain = await connection.LookupByNameAsync("vm", TestContext.Current.CancellationToken);
        Assert.Equal($"ballast -c {named} setmem vm 1G", ShellCommand.On(domain, "setmem", "1G"));
    }

    [Theory]
    [InlineData("a b;c", "a|b|;|c")]
    [InlineData(" a\t'b c' \"d \\\" e\"f\\ g ", "a|b c|d \" ef g")]
    [InlineData("a#b #c\nd", "a#b|;|d")]
    [InlineData("a\\\nb", "ab")]
    [InlineData("''", "")]
    [InlineData("'a", "a")]
    [InlineData("a \"b", "a|!missing \"")]
    [InlineData("a \\", "a|!dangling \\")]
    public void A_line_falls_into_words(string line, string expected)
    {
        LineWords words = new(line);
        List<string> found = [];
        for (WordKind kind = words.Next(out string text); kind != WordKind.End; kind = words.Next(out text))
        {
            found.Add(kind switch { WordKind.EndOfCommand => ";", WordKind.Malformed => "!" + text, _ => text });
            if (kind == WordKind.Malformed)
                break;
        }

        Assert.Equal(expected, string.Join('|', found));
    }

    [Fact]
    public void A_line_without_anything_special_is_split_at_blanks() =>
        Gen.String[Gen.Char.AlphaNumeric, 1, 8].Array[1, 6].Sample(words =>
        {
            LineWords line = new(string.Join(' ', words));
            foreach (string word in words)
            {
                if (line.Next(out string text) != WordKind.Word || text != word)
                    return false;
            }

            return line.Next(out _) == WordKind.End;
        });

    [Fact]
    public void Any_line_ends()
    {
        Gen.String[OneOf("a \\'\";#\n-=".ToCharArray()), 0, 30].Sample(line =>
        {
            CommandParser parser = new(CommandTable.Find, static () => CommandTable.Names, HelpCommand.Command, HelpCommand.Topic);
            return parser.Parse(new LineWords(line)) is not null || parser.Errors.Count > 0;
        });
    }

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    [Fact]
    public void Sizes_are_exact_or_refused() =>
        Gen.Select(Gen.ULong, OneOf("", "b", "k", "KiB", "kB", "m", "MB", "g", "GiB", "t", "TB", "p", "e", "EB")).Sample((number, suffix) =>
        {
            BigInteger unit = suffix is "b" ? 1
                : suffix is "" ? 1024
                : BigInteger.Pow(suffix.Length == 2 ? 1000 : 1024, "kmgtpe".IndexOf(char.ToLowerInvariant(suffix[0]), StringComparison.Ordinal) + 1);
            bool fits = number * unit <= ulong.MaxValue;
            return NumberText.TryReadSize($"{number}{suffix}", 1024, out ulong bytes, out string? cause) == fits
                && (fits ? bytes == number * unit : cause == $"numerical overflow: value too large: {number}{suffix}");
        });

    [Fact]
    public void Every_command_and_option_is_explained()
    {
        Assert.Distinct(CommandTable.Names);
        Assert.All(CommandTable.Groups.SelectMany(group => group.Entries), entry => Assert.Equal(entry.Name, entry.Make().Name));
        foreach (Command command in CommandTable.All)
        {
            string help = HelpText.Of(command);
            Assert.StartsWith($"ballast {command.Name}: {command.Summary}\n\nusage: ballast {command.Name}", help, StringComparison.Ordinal);
            Assert.All(help.Split('\n'), line => Assert.InRange(line.Length, 0, 110));
            Assert.Equal(command.Options.Count, command.Options.Select(option => option.Name).Distinct().Count());
            Assert.All(command.Options, option => Assert.Contains($"--{option.Name}", help, StringComparison.Ordinal));
            Assert.All(command.Options, option => Assert.NotEqual("", option.Summary));
        }
    }

    [Theory]
    [InlineData("available", "MemTotal")]
    [InlineData("usable", "MemAvailable")]
    [InlineData("unused", "MemFree")]
    [InlineData("actual", "balloon")]
    public void The_help_warns_of_the_names(string label, string meaning) =>
        Assert.Matches($@"(?m)^  {label} +.*{meaning}", HelpText.Of(DomMemStatCommand.Command));
}
