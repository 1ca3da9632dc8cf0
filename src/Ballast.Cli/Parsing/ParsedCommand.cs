using System.Diagnostics.CodeAnalysis;

namespace Ballast.Cli.Parsing;

/// <summary>A command and the arguments given to it; values are still text.</summary>
internal sealed class ParsedCommand(Command command)
{
    private readonly List<(CommandOption Option, string Value)> _arguments = [];

    public Command Command { get; } = command;

    public bool Has(CommandOption option)
    {
        foreach ((CommandOption given, _) in _arguments)
        {
            if (ReferenceEquals(given, option))
                return true;
        }

        return false;
    }

    /// <summary>The text of an option, null where it was not given.</summary>
    public string? Text(CommandOption option)
    {
        foreach ((CommandOption given, string value) in _arguments)
        {
            if (!ReferenceEquals(given, option))
                continue;
            if (value.Length == 0 && !option.MayBeEmpty)
                throw new CommandException($"Failed to get option '{option.Name}': Option argument is empty");
            return value;
        }

        return null;
    }

    public IEnumerable<string> Texts(CommandOption option)
    {
        foreach ((CommandOption given, string value) in _arguments)
        {
            if (ReferenceEquals(given, option))
                yield return value;
        }
    }

    /// <summary>A number, null where the option was not given.</summary>
    public int? Int(CommandOption option)
    {
        if (!TryFind(option, out string? value))
            return null;
        return NumberText.TryReadInt(value, out int number)
            ? number
            : throw Malformed(option, value);
    }

    /// <summary>A number above zero, null where the option was not given.</summary>
    public int? Positive(CommandOption option) =>
        Int(option) is not { } number ? null
        : number > 0 ? number
        : throw Malformed(option);

    /// <summary>A number that is not negative, null where the option was not given.</summary>
    public uint? Number(CommandOption option)
    {
        if (!TryFind(option, out string? value))
            return null;
        return NumberText.TryReadNumber(value, out uint number) ? number : throw Malformed(option, value);
    }

    /// <summary>A size in KiB, rounded up; without a unit the number is in KiB.</summary>
    public ulong SizeInKiB(CommandOption option, ulong maxBytes = ulong.MaxValue)
    {
        _ = TryFind(option, out string? value);
        if (NumberText.TryReadSize(value ?? "", 1024, out ulong bytes, out string? cause, maxBytes))
            return NumberText.ToKiB(bytes);

        string text = $"Scaled numeric value '{value}' for <{option.Name}> option is malformed or out of range";
        throw cause is null ? new CommandException(text) : new CommandException(text, cause);
    }

    /// <summary>The size that was given with a word behind it, where that is a unit; null: it is none, or there is no size.</summary>
    public string? SizeWithUnit(string word)
    {
        foreach ((CommandOption option, string value) in _arguments)
        {
            if (option.Kind == OptionKind.ScaledSize && word is [>= 'A', ..] && NumberText.TryReadSize(value + word, 1, out _, out _))
                return value + word;
        }

        return null;
    }

    /// <summary>Fails where both were given, with the first one named first.</summary>
    public void Exclude(CommandOption first, CommandOption second)
    {
        if (Has(first) && Has(second))
            throw new CommandException($"Options --{first.Name} and --{second.Name} are mutually exclusive");
    }

    public void Add(CommandOption option, string value) => _arguments.Add((option, value));

    /// <summary>The error for a number that is one, and not a possible one.</summary>
    public CommandException Malformed(CommandOption option) => Malformed(option, Text(option) ?? "");

    private static CommandException Malformed(CommandOption option, string value) =>
        new($"Numeric value '{value}' for <{option.Name}> option is malformed or out of range");

    private bool TryFind(CommandOption option, [NotNullWhen(true)] out string? value)
    {
        foreach ((CommandOption given, string text) in _arguments)
        {
            if (ReferenceEquals(given, option))
            {
                value = text;
                return true;
            }
        }

        value = null;
        return false;
    }
}
