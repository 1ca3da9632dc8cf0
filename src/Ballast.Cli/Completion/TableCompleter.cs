using Ballast.Cli.Parsing;

namespace Ballast.Cli.Completion;

/// <summary>What may be typed next, by the command table.</summary>
internal sealed class TableCompleter(IReadOnlyList<Command> table, ValueSource values)
{
    /// <summary>The candidates for a word of a command.</summary>
    /// <param name="words">The command and what is behind it already.</param>
    /// <param name="current">The beginning of the word.</param>
    public IReadOnlyList<Candidate> Complete(IReadOnlyList<string> words, string current)
    {
        IEnumerable<Candidate> all =
            words.Count == 0 ? table.Select(command => new Candidate(command.Name, command.Summary))
            : table.FirstOrDefault(known => known.Name == words[0]) is { } command ? OfArguments(command, words, current)
            : [];
        return [.. all.Where(candidate => candidate.Text.StartsWith(current, StringComparison.Ordinal)).DistinctBy(candidate => candidate.Text).OrderBy(candidate => candidate.Text, StringComparer.Ordinal)];
    }

    // The grammar is the parser's; here a mistake stops nothing.
    private IEnumerable<Candidate> OfArguments(Command command, IReadOnlyList<string> words, string current)
    {
        HashSet<CommandOption> given = [];
        CommandOption? awaited = null;
        bool onlyData = false;
        foreach (string word in words.Skip(1))
        {
            if (awaited is not null)
            {
                awaited = null;
            }
            else if (!onlyData && word == "--")
            {
                onlyData = true;
            }
            else if (!onlyData && word.StartsWith("--", StringComparison.Ordinal))
            {
                string[] parts = word[2..].Split('=', 2);
                if (Find(command, parts[0]) is not { } option)
                    continue;
                given.Add(option);
                awaited = option.TakesValue && parts.Length == 1 ? option : null;
            }
            else if (NextPositional(command, given) is { } positional)
            {
                given.Add(positional);
            }
        }

        if (awaited is not null)
            return Offered(awaited, current);
        if (!onlyData && current.StartsWith("--", StringComparison.Ordinal) && current.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
        {
            return Find(command, current[2..equals]) is { TakesValue: true } option
                ? Offered(option, current[(equals + 1)..]).Select(value => value with { Text = current[..(equals + 1)] + value.Text })
                : [];
        }

        IEnumerable<Candidate> options = onlyData ? [] : command.Options
            .Where(option => (option.Kind == OptionKind.RepeatedText || !given.Contains(option)) && command.Offers(words, option, null))
            .Select(option => new Candidate($"--{option.Name}", option.Summary));
        if (!onlyData && current.StartsWith('-'))
            return options.Append(new Candidate("--help", "explain the command"));
        CommandOption? next = NextPositional(command, given);
        bool isKnown = next is not null && (next.Completes != ValueCompletion.Nothing || next.Values().Any());
        return isKnown ? Offered(next!, current) : current.Length > 0 ? [] : options;

        IEnumerable<Candidate> Offered(CommandOption option, string typed) =>
            values.Of(option with { Completes = command.Completes(words, option) }, typed).Where(candidate => command.Offers(words, option, candidate.Text));
    }

    private static CommandOption? Find(Command command, string name) => command.Options.FirstOrDefault(option => option.IsNamed(name));

    private static CommandOption? NextPositional(Command command, HashSet<CommandOption> given) =>
        command.Options.FirstOrDefault(option => option.IsPositional && (option.Kind == OptionKind.RepeatedText || !given.Contains(option)));
}
