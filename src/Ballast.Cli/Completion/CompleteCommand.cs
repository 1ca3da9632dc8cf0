using System.Text;
using Ballast.Cli.Output;

namespace Ballast.Cli.Completion;

/// <summary>
/// <c>ballast __complete</c>, which the completion scripts call: <c>bash LINE BREAKS</c> with the line up to the cursor and the
/// characters at which bash parts words too (COMP_WORDBREAKS), or <c>zsh WORD…</c> and <c>fish WORD…</c> with the words behind the program's name, the last of which is being typed. It
/// writes a candidate a line: for bash as it must be typed, for the others with what it is, behind a tab.
/// </summary>
internal static class CompleteCommand
{
    public const string Name = "__complete";

    public static int Run(string[] arguments, CliHost host, TextOutput output, CancellationToken cancellationToken)
    {
        ProgramCompleter completer = new(host, cancellationToken);
        switch (arguments)
        {
            case ["bash", var line, var breaks]:
                WriteForBash(completer, PartialLine.Read(line), breaks, output);
                return CliProgram.Success;
            case ["zsh" or "fish", .. var words, var current]:
                foreach (Candidate candidate in completer.Complete([.. words], current).Where(candidate => PartialLine.CanBeTyped(candidate.Text, '\0')))
                    output.WriteLine(candidate.Summary.Length == 0 ? candidate.Text : $"{candidate.Text}\t{candidate.Summary}");
                return CliProgram.Success;
            default:
                return CliProgram.Failure;
        }
    }

    private static void WriteForBash(ProgramCompleter completer, PartialLine line, string breaks, TextOutput output)
    {
        // The first word is the program.
        IReadOnlyList<Candidate> found = completer.Complete([.. line.Words.Skip(1)], line.Current);
        int kept = line.Quote == '\0' ? PartialLine.Read(line.Typed[..(LastBreak(line.Typed, breaks) + 1)]).Current.Length : 0;
        foreach (Candidate candidate in found.Where(candidate => PartialLine.CanBeTyped(candidate.Text, line.Quote)))
        {
            StringBuilder text = new(PartialLine.Escape(candidate.Text[kept..], line.Quote));
            if (!candidate.IsOpen && line.Quote == '\0')
                _ = text.Append(' ');
            output.WriteLine(text.ToString());
        }
    }

    // Bash replaces only what is behind it.
    private static int LastBreak(string typed, string breaks)
    {
        for (int i = typed.Length - 1; i >= 0; i--)
        {
            if (breaks.Contains(typed[i]) && typed[i] is not ('"' or '\'') && (i == 0 || typed[i - 1] != '\\') && PartialLine.Read(typed[..i]).Quote == '\0')
                return i;
        }

        return -1;
    }
}
