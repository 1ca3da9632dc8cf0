using Ballast.Cli.Log;

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
    // virsh's, where only one of both is given; and the longest that the library takes, a day.
    private const int UsualInterval = 5, UsualCount = 6, LongestInterval = 24 * 60 * 60;

    /// <summary>What <c>-d</c> and <c>-l</c> are where they are not given.</summary>
    public const string LevelVariable = "VIRSH_DEBUG", LogVariable = "VIRSH_LOG_FILE";

    private const string WrongLevel = LevelVariable + " not set with a valid numeric value";

    private readonly List<string> _remarks = [];
    private bool _isLevelWrong;
    private bool _suggests;
    private Func<string, bool>? _isOfCommand;
    private int? _keepaliveInterval;
    private int? _keepaliveCount;

    /// <summary>The URI given; null where none was, which is not the same as an empty one.</summary>
    public string? Uri { get; private set; }

    /// <summary>All that were given. Most commands take the last one, as virsh does.</summary>
    public List<string> Uris { get; } = [];

    public bool IsReadOnly { get; private set; }

    public bool IsQuiet { get; private set; }

    public bool IsTiming { get; private set; }

    /// <summary>What is below it is not said: 0 everything, 4 errors only.</summary>
    public int DebugLevel { get; private set; } = LogLevels.Error;

    /// <summary>Where to what is done is written; null: nowhere.</summary>
    public LogFile? Log { get; private set; }

    /// <summary>How a silent daemon is probed, where that was given; else it is up to the library.</summary>
    public (TimeSpan Interval, int Count)? Keepalive => _keepaliveInterval is null && _keepaliveCount is null
        ? null
        : (TimeSpan.FromSeconds(Math.Min(_keepaliveInterval ?? UsualInterval, LongestInterval)), _keepaliveCount ?? UsualCount);

    /// <summary>The interval of <c>-k</c> where libvirt takes it for too long, in seconds; else null.</summary>
    public int? TooLongInterval => _keepaliveInterval > int.MaxValue / 1000 ? _keepaliveInterval : null;

    /// <summary>What is to be said of options that are obeyed all the same.</summary>
    public IReadOnlyList<string> Remarks => _remarks;

    /// <summary>What virsh says right before the commands run, where it looks for the level again because no option gave one.</summary>
    public string? LateRemark => _isLevelWrong && DebugLevel == LogLevels.Error ? WrongLevel : null;

    public GlobalAction Action { get; private set; } = GlobalAction.RunCommands;

    /// <summary>The text for <see cref="GlobalAction.Fail"/>.</summary>
    public string Error { get; private set; } = "";

    /// <summary>What to do about <see cref="Error"/>; null: nothing is known.</summary>
    public string? Hint { get; private set; }

    /// <summary>The words of the command.</summary>
    public IReadOnlyList<string> Words { get; private set; } = [];

    /// <param name="arguments">All words.</param>
    /// <param name="suggests">Whether errors name what was probably meant.</param>
    /// <param name="isOfCommand">Whether some command has an option of that name.</param>
    /// <param name="variable">The environment; null: empty.</param>
    public static GlobalOptions Parse(
        IReadOnlyList<string> arguments, bool suggests, Func<string, bool>? isOfCommand = null, Func<string, string?>? variable = null)
    {
        GlobalOptions options = new() { _suggests = suggests, _isOfCommand = isOfCommand };
        options.ReadLevel(variable);
        if (variable?.Invoke(LogVariable) is { Length: > 0 } file)
            options.OpenLog(file);
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

    private void ReadLevel(Func<string, string?>? variable)
    {
        if (variable?.Invoke(LevelVariable) is not { } text)
            return;
        _isLevelWrong = !NumberText.TryReadInt(text, out int level) || level is < LogLevels.Debug or > LogLevels.Error;
        if (_isLevelWrong)
            _remarks.Add(WrongLevel);
        else
            DebugLevel = level;
    }

    private void OpenLog(string path)
    {
        Log?.Dispose();
        Log = LogFile.TryOpen(path);
        if (Log is null)
            Fail("failed to open the log file. check the log file path");
    }

    private void ReadLong(string word, IReadOnlyList<string> arguments, ref int next)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word[2..] : word[2..equals];
        string? value = equals < 0 ? null : word[(equals + 1)..];
        if (GlobalOption.Find(name) is not { } option)
        {
            string? near = _suggests ? NearestName.Among(GlobalOption.All.Select(known => known.Name), name) : null;
            if (_suggests && _isOfCommand?.Invoke(name) == true)
                Hint = $"--{name} stands behind the command: ballast {arguments.Skip(next).FirstOrDefault(IsPlain) ?? "COMMAND"} --{name}";
            Fail($"unsupported option '{word}'{(near is null ? "." : $", did you mean --{near}?")} See --help.");
            return;
        }

        if (value is not null && option is { TakesValue: false, MayHaveValue: false })
            Fail($"unsupported option '-{option.Letter}'. See --help.");
        else if (value is null && option.TakesValue && next == arguments.Count)
            FailWithoutValue(option.Letter);
        else
            Apply(option.Letter, value ?? (option.TakesValue ? arguments[next++] : null));
    }

    // Neither an option nor a URI.
    private static bool IsPlain(string word) => !word.StartsWith('-') && !word.Contains(':', StringComparison.Ordinal);

    private void ReadCluster(string word, IReadOnlyList<string> arguments, ref int next)
    {
        for (int i = 1; i < word.Length && Action == GlobalAction.RunCommands; i++)
        {
            char letter = word[i];
            if (GlobalOption.Find(letter) is { TakesValue: true })
            {
                string? value = i + 1 < word.Length ? word[(i + 1)..] : next < arguments.Count ? arguments[next++] : null;
                if (value is null)
                    FailWithoutValue(letter);
                else
                    Apply(letter, value);
                return;
            }

            if (letter == 'V' || GlobalOption.Find(letter) is not null)
                Apply(letter, null);
            else
                Fail($"unsupported option '-{letter}'. See --help.");
        }
    }

    private void Apply(char letter, string? value)
    {
        switch (letter)
        {
            case 'c' or 'd' or 'e' or 'k' or 'K' or 'l':
                ApplyValue(letter, value!);
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

    private void ApplyValue(char letter, string value)
    {
        switch (letter)
        {
            case 'c':
                Uri = value;
                Uris.Add(value);
                break;
            case 'd':
                if (!NumberText.TryReadInt(value, out int level))
                    Fail($"option -{letter} takes a numeric argument");
                else if (level is < LogLevels.Debug or > LogLevels.Error)
                    _remarks.Add($"ignoring debug level {value.Trim()} out of range [{LogLevels.Debug}-{LogLevels.Error}]");
                else
                    DebugLevel = level;
                break;
            case 'e':
                if (!IsKey(value))
                    Fail($"Invalid string '{value}' for escape sequence");
                break;
            case 'l':
                OpenLog(value);
                break;
            default:
                if (!NumberText.TryReadCNumber(value, out int number))
                    Fail($"Invalid value for option -{letter}");
                else if (number < 0)
                    Fail($"option -{letter} requires a positive integer argument");
                else if (letter == 'k')
                    _keepaliveInterval = number;
                else
                    _keepaliveCount = number;
                break;
        }
    }

    // A letter, or one with Control: ^].
    private static bool IsKey(string text) =>
        text is [> '\0' and <= '\x7f' and not '^'] or ['^', (>= '@' and <= '_') or (>= 'a' and <= 'z')];

    private void FailWithoutValue(char letter) =>
        Fail($"option '-{letter}'/'--{GlobalOption.Find(letter)!.Name}' requires an argument");

    private void Fail(string error)
    {
        Action = GlobalAction.Fail;
        Error = error;
    }
}
