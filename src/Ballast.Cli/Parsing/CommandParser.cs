namespace Ballast.Cli.Parsing;

/// <summary>
/// virsh's grammar of commands. Everything is read before anything runs, and the first mistake discards it all.
/// </summary>
internal sealed class CommandParser(Func<string, Command?> find, Func<IEnumerable<string>> names, Command help, CommandOption helpTopic)
{
    private readonly List<string> _errors = [];

    /// <summary>Whether errors name what was probably meant.</summary>
    public bool Suggests { get; init; }

    /// <summary>Why there is no command with a name that others know; null for a name that nobody knows.</summary>
    public Func<string, string?> Explains { get; init; } = _ => null;

    /// <summary>What is probably meant by a word that is no command, where it suggests anything; null where nobody knows.</summary>
    public Func<string, string?> Means { get; init; } = _ => null;

    /// <summary>The command that was read last; null before the first, or where that is none.</summary>
    public Command? Current { get; private set; }

    /// <summary>What was probably meant, where commands fail; null: nothing is known.</summary>
    public string? Hint { get; private set; }

    /// <summary>What was wrong; may hold remarks although parsing went well.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>The commands in their order; null where there is a mistake.</summary>
    public IReadOnlyList<ParsedCommand>? Parse(IWordSource words)
    {
        List<ParsedCommand> commands = [];
        while (true)
        {
            WordKind kind = words.Next(out string text);
            Current = null;
            switch (kind)
            {
                case WordKind.End:
                    return commands;
                case WordKind.EndOfCommand:
                    continue;
                case WordKind.Malformed:
                    _errors.Add(text);
                    return null;
            }

            // However it was written: the comment is as long as the command that it stands for, and may be as wrong as it likes.
            if (text.StartsWith('#'))
            {
                do
                    kind = words.Next(out _);
                while (kind == WordKind.Word);
                if (kind == WordKind.End)
                    return commands;
                continue;
            }

            if (find(text) is not { } command)
            {
                if (Explains(text) is { } why)
                {
                    _errors.Add(why);
                    return null;
                }

                _errors.Add($"unknown command: '{text}'");
                if (Suggests && Means(text) is { } meant)
                    _errors.Add(meant);
                else
                    Suggest(names(), text, "");
                return null;
            }

            Current = command;
            ParsedCommand? parsed = ParseArguments(command, words, out bool isLast);
            if (parsed is null)
                return null;
            commands.Add(parsed);
            if (isLast)
                return commands;
        }
    }

    private ParsedCommand? ParseArguments(Command command, IWordSource words, out bool isLast)
    {
        ParsedCommand parsed = new(command);
        bool wantsHelp = false;
        bool onlyData = false;
        while (true)
        {
            WordKind kind = words.Next(out string text);
            isLast = kind == WordKind.End;
            if (kind == WordKind.Malformed)
            {
                _errors.Add(text);
                return null;
            }

            if (kind != WordKind.Word)
                break;

            if (Suggests && !onlyData)
                FindMisplaced(command, text);
            if (!onlyData && text == "--")
            {
                onlyData = true;
            }
            else if (!onlyData && IsOption(text))
            {
                if (!TryReadOption(parsed, text, words, ref wantsHelp))
                    return null;
            }
            else if (NextPositional(parsed) is { } positional)
            {
                parsed.Add(positional, text);
            }
            else if (!command.IgnoresUnknownArguments)
            {
                _errors.Add($"unexpected data '{text}'");
                if (Suggests && parsed.SizeWithUnit(text) is { } size)
                    Hint ??= $"write a size and its unit in one word: {size}";
                return null;
            }
        }

        if (wantsHelp)
        {
            parsed = new ParsedCommand(help);
            parsed.Add(helpTopic, command.Name);
            return parsed;
        }

        return HasAllRequired(parsed) ? parsed : null;
    }

    // Anything else that begins with a dash is data: a negative number, a name.
    private static bool IsOption(string word) =>
        word.Length > 2 && word[0] == '-' && word[1] == '-' && char.IsAsciiLetterOrDigit(word[2]);

    private bool TryReadOption(ParsedCommand parsed, string word, IWordSource words, ref bool wantsHelp)
    {
        Command command = parsed.Command;
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word[2..] : word[2..equals];
        string? value = equals < 0 ? null : word[(equals + 1)..];

        CommandOption? option = command.Options.FirstOrDefault(candidate => candidate.IsNamed(name));
        if (option is null && name != "help")
        {
            if (!command.IgnoresUnknownArguments)
            {
                _errors.Add($"command '{command.Name}' doesn't support option --{name}");
                Suggest(command.Options.Select(known => known.Name), name, "--");
            }

            return command.IgnoresUnknownArguments;
        }

        if (option is not null && option.Kind != OptionKind.RepeatedText && parsed.Has(option))
        {
            _errors.Add($"option --{option.Name} already seen");
            return command.IgnoresUnknownArguments;
        }

        if (option is null || !option.TakesValue)
        {
            if (value is not null)
            {
                _errors.Add($"invalid '=' after option --{name}");
                return false;
            }

            if (option is null)
                wantsHelp = true;
            else
                parsed.Add(option, "");
            return true;
        }

        // The next word is the value, whatever it looks like.
        if (value is null && words.Next(out value) is not WordKind.Word and var kind)
        {
            _errors.Add(kind == WordKind.Malformed ? value : $"expected syntax: --{option.Name} <{option.ValueName}>");
            return false;
        }

        parsed.Add(option, value);
        return true;
    }

    private bool HasAllRequired(ParsedCommand parsed)
    {
        bool complete = true;
        foreach (CommandOption option in parsed.Command.Options)
        {
            if (!option.IsRequired || parsed.Has(option) || (option.RequiredUnless is { } other && parsed.Has(other)))
                continue;
            _errors.Add($"command '{parsed.Command.Name}' requires {option.MissingName} option");
            complete = false;
            if (Suggests && string.Join(", ", option.Values()) is { Length: > 0 } known)
                Hint ??= $"{option.Name} is one of: {known}";
        }

        return complete;
    }

    /// <summary>An option for before the command that stands behind it is taken for data, or refused as unknown.</summary>
    private void FindMisplaced(Command command, string word)
    {
        if (Hint is not null)
            return;
        GlobalOption? option = word switch
        {
            ['-', not '-' and var letter] => GlobalOption.Find(letter),
            ['-', '-', .. var name] when !command.Options.Any(known => known.IsNamed(name.Split('=')[0])) =>
                GlobalOption.All.FirstOrDefault(known => known.Name == name.Split('=')[0]),
            _ => null,
        };
        if (option is null or { Letter: 'h' })
            return;
        string usual = option.ValueName is { } value ? $"-{option.Letter} {value}" : $"-{option.Letter}";
        Hint = $"options such as -{option.Letter} stand before the command: ballast {usual} {command.Name}";
    }

    private static CommandOption? NextPositional(ParsedCommand parsed)
    {
        foreach (CommandOption option in parsed.Command.Options)
        {
            if (option.IsPositional && (option.Kind == OptionKind.RepeatedText || !parsed.Has(option)))
                return option;
        }

        return null;
    }

    private void Suggest(IEnumerable<string> known, string name, string dashes)
    {
        if (Suggests && NearestName.Among(known, name) is { } near)
            _errors.Add($"did you mean '{dashes}{near}'?");
    }
}
