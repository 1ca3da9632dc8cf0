using System.Buffers;
using System.Text;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Shows its arguments: for trying how a line is read, and for quoting.</summary>
internal static class EchoCommand
{
    private static readonly CommandOption Shell = new("shell", OptionKind.Flag, "quote each argument for a POSIX shell");
    private static readonly CommandOption Xml = new("xml", OptionKind.Flag, "write characters that are special in XML as entities");
    private static readonly CommandOption Split = new("split", OptionKind.Flag, "one line for each part between commas; write two commas for a comma inside a part");
    private static readonly CommandOption Error = new("err", OptionKind.Flag, "write an error line");
    private static readonly CommandOption Arguments = new("string", OptionKind.RepeatedText, "what to show")
    {
        IsPositional = true,
        MayBeEmpty = true,
        Aliases = ["str"],
    };

    // What a shell does not take as it is, in words that are not quoted.
    private static readonly SearchValues<char> SpecialInShell = SearchValues.Create("\r\t\n !\"#$&'()*;<>?[\\]^`{|}~");

    public static Command Command { get; } = new("echo", "show the arguments, quoted if wanted")
    {
        Options = [Shell, Xml, Split, Error, Arguments],
        NeedsConnection = false,
        Execute = Execute,
    };

    private static ValueTask Execute(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.Exclude(Shell, Xml);
        arguments.Exclude(Shell, Split);
        arguments.Exclude(Xml, Split);
        string text = string.Join(' ', arguments.Texts(Arguments).Select(argument =>
            arguments.Has(Shell) ? ForShell(argument)
            : arguments.Has(Xml) ? ForXml(argument)
            : arguments.Has(Split) ? string.Concat(Parts(argument).Select(part => part + "\n"))
            : argument));

        // The line that ends every command's output ends this one's.
        if (!arguments.Has(Error))
            invocation.Out.Write(text);
        else if (arguments.Has(Arguments))
            invocation.WriteError(text);
        return default;
    }

    private static string ForShell(string text) =>
        text.Length > 0 && text.AsSpan().IndexOfAny(SpecialInShell) < 0 ? text : "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private static string ForXml(string text)
    {
        StringBuilder xml = new(text.Length);
        foreach (char c in text)
        {
            _ = c switch
            {
                '<' => xml.Append("&lt;"),
                '>' => xml.Append("&gt;"),
                '&' => xml.Append("&amp;"),
                '"' => xml.Append("&quot;"),
                '\'' => xml.Append("&apos;"),
                < ' ' and not ('\t' or '\n' or '\r') => xml, // XML has no place for them
                _ => xml.Append(c),
            };
        }

        return xml.ToString();
    }

    private static IEnumerable<string> Parts(string text)
    {
        if (text.Length == 0)
            yield break;
        StringBuilder part = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != ',')
            {
                _ = part.Append(text[i]);
            }
            else if (i + 1 < text.Length && text[i + 1] == ',')
            {
                _ = part.Append(',');
                i++;
            }
            else
            {
                yield return part.ToString();
                _ = part.Clear();
            }
        }

        yield return part.ToString();
    }
}
