namespace Ballast.Cli.Parsing;

/// <summary>What an option takes.</summary>
internal enum OptionKind
{
    /// <summary>Nothing: it is there or not.</summary>
    Flag,

    /// <summary>A text, read as it is.</summary>
    Text,

    /// <summary>A whole number in decimal.</summary>
    Int,

    /// <summary>A whole number with an optional unit (<c>512MiB</c>).</summary>
    ScaledSize,

    /// <summary>Any number of texts; takes every word that no other option takes.</summary>
    RepeatedText,
}

/// <summary>What completion offers as a value, besides the values that an option lists.</summary>
internal enum ValueCompletion
{
    Nothing,

    /// <summary>Names of the domains that there are.</summary>
    Domain,

    /// <summary>Forms of URIs.</summary>
    Uri,

    File,

    Directory,
}

/// <summary>One option of a command.</summary>
internal sealed record CommandOption(string Name, OptionKind Kind, string Summary)
{
    public bool IsRequired { get; init; }

    /// <summary>An option in whose company it need not be given, though it is required.</summary>
    public CommandOption? RequiredUnless { get; init; }

    /// <summary>Whether its value can be given without its name. Words go to such options in the table's order.</summary>
    public bool IsPositional { get; init; }

    /// <summary>Whether an empty text is as good as none. Other texts must not be empty.</summary>
    public bool MayBeEmpty { get; init; }

    /// <summary>Older names that still work.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What completion offers as its value.</summary>
    public ValueCompletion Completes { get; init; }

    /// <summary>Values to choose from, as far as they are known beforehand; a function, as completion alone asks.</summary>
    public Func<IEnumerable<string>> Values { get; init; } = static () => [];

    /// <summary>Whether several of the values may be given at once, with commas.</summary>
    public bool IsList { get; init; }

    public bool TakesValue => Kind != OptionKind.Flag;

    /// <summary>The word that help and errors use for the value.</summary>
    public string ValueName => Kind is OptionKind.Int or OptionKind.ScaledSize ? "number" : "string";

    /// <summary>How errors name an option that is missing.</summary>
    public string MissingName => Kind is OptionKind.Text or OptionKind.RepeatedText ? $"<{Name}>" : $"--{Name}";

    public bool IsNamed(ReadOnlySpan<char> name)
    {
        if (name.SequenceEqual(Name))
            return true;
        foreach (string alias in Aliases)
        {
            if (name.SequenceEqual(alias))
                return true;
        }

        return false;
    }
}
