namespace Ballast.Cli.Parsing;

/// <summary>What the options before the command ask for.</summary>
internal enum GlobalAction
{
    RunCommands,
    ShowHelp,
    ShowVersion,
    ShowLongVersion,
    Fail,
}

/// <summary>
/// The options before the command, in the grammar of getopt_long: clusters (<c>-qr</c>), values joined or apart, long
/// names shortened as far as they stay unique; the first other word ends them.
/// </summary>
internal sealed class GlobalOptions
{
    private static readonly LongOption[] LongOptions =
    [
        new("connect", 'c', ValueRule.Required),
        new("help", 'h', ValueRule.None),
        new("quiet", 'q', ValueRule.None),
        new("readonly", 'r', ValueRule.None),
        new("timing", 't', ValueRule.None),
        new("version", 'v', ValueRule.Optional),
    ];

    private bool _suggests;

    private enum ValueRule
    {
        None,
        Required,
        Optional,
    }

    /// <summary>The URI given; null where none was, which is not the same as an empty one.</summary>
    public string? Uri { get; private set; }

    /// <summary>All that were given. Most commands take the last one, as virsh does.</summary>
    public List<string> Uris { get; } = [];

    public bool IsReadOnly { get; private set; }

    public bool IsQuiet { get; private set; }

    public bool IsTiming { get; private set; }

    public GlobalAction Action { get; private set; } = GlobalAction.RunCommands;

    /// <summary>The text for <see cref="GlobalAction.Fail"/>.</summary>
    public string Error { get; private set; } = "";

    /// <summary>The words of the command.</summary>
    public IReadOnlyList<string> Words { get; private set; } = [];

    /// <param name="arguments">All words.</param>
    /// <param name="suggests">Whether errors name what was probably meant.</param>
    public static GlobalOptions Parse(IReadOnlyList<string> arguments, bool suggests)
    {
        GlobalOptions options = new() { _suggests = suggests };
        int next = 0;
        while (next < arguments.Count && options.Action == GlobalAction.RunCommands)
        {
            string word = arguments[next];
            if (word.Length < 2 || word[0] != '-')
                break;
            next++;
            if (word == "--")
                break;
            if (word[1] == '-')
                options.ReadLong(word, arguments, ref next);
            else
                options.ReadCluster(word, arguments, ref next);
        }

        options.Words = [.. arguments.Skip(next)];
        return options;
    }

    private void ReadLong(string word, IReadOnlyList<string> arguments, ref int next)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word[2..] : word[2..equals];
        string? value = equals < 0 ? null : word[(equals + 1)..];
        if (FindLong(name) is not { } option)
        {
            string? near = _suggests ? NearestName.Among(LongOptions.Select(known => known.Name), name) : null;
            Fail($"unsupported option '{word}'{(near is null ? "." : $", did you mean --{near}?")} See --help.");
            return;
        }

        if (value is not null && option.Rule == ValueRule.None)
            Fail($"unsupported option '-{option.Letter}'. See --help.");
        else if (value is null && option.Rule == ValueRule.Required && next == arguments.Count)
            FailWithoutValue(option.Letter);
        else
            Apply(option.Letter, value ?? (option.Rule == ValueRule.Required ? arguments[next++] : null));
    }

    private void ReadCluster(string word, IReadOnlyList<string> arguments, ref int next)
    {
        for (int i = 1; i < word.Length && Action == GlobalAction.RunCommands; i++)
        {
            char letter = word[i];
            if (letter == 'c')
            {
                string? value = i + 1 < word.Length ? word[(i + 1)..] : next < arguments.Count ? arguments[next++] : null;
                if (value is null)
                    FailWithoutValue(letter);
                else
                    Apply(letter, value);
                return;
            }

            if (letter is 'h' or 'q' or 'r' or 't' or 'v' or 'V')
                Apply(letter, null);
            else
                Fail($"unsupported option '-{letter}'. See --help.");
        }
    }

    private void Apply(char letter, string? value)
    {
        switch (letter)
        {
            case 'c':
                Uri = value;
                Uris.Add(value ?? "");
                break;
            case 'q':
                IsQuiet = true;
                break;
            case 'r':
                IsReadOnly = true;
                break;
            case 't':
                IsTiming = true;
                break;
            case 'h':
                Action = GlobalAction.ShowHelp;
                break;
            case 'V':
                Action = GlobalAction.ShowLongVersion;
                break;
            default:
                Action = value == "long" ? GlobalAction.ShowLongVersion : GlobalAction.ShowVersion;
                break;
        }
    }

    private static LongOption? FindLong(string name)
    {
        LongOption[] found = [.. LongOptions.Where(option => option.Name.StartsWith(name, StringComparison.Ordinal))];
        return found.Length == 1 ? found[0] : found.FirstOrDefault(option => option.Name == name);
    }

    private void FailWithoutValue(char letter) =>
        Fail($"option '-{letter}'/'--{LongOptions.First(option => option.Letter == letter).Name}' requires an argument");

    private void Fail(string error)
    {
        Action = GlobalAction.Fail;
        Error = error;
    }

    private sealed record LongOption(string Name, char Letter, ValueRule Rule);
}
