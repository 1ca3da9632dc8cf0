namespace Ballast.Tests.Cli;

/// <summary>One command line that virsh and ballast both run.</summary>
internal sealed record ParityCase(string[] Words)
{
    /// <summary>Whether <c>-c test:///default</c> is put in front.</summary>
    public bool OnTestDriver { get; init; } = true;

    public (string Name, string Value)? Variable { get; init; }

    /// <summary>What comes on standard input; empty: nothing.</summary>
    public string Input { get; init; } = "";

    public Difference? Difference { get; init; }

    public string[] Arguments => OnTestDriver ? ["-c", "test:///default", .. Words] : Words;

    public string Key =>
        (Variable is { } variable ? $"{variable.Name}={variable.Value} " : "")
        + string.Join(' ', (OnTestDriver ? Words : Arguments).Select(Quote))
        + (OnTestDriver ? "" : " (as it is)")
        + (Input.Length > 0 ? " < " + Quote(Input) : "");

    private static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-=+./:,".Contains(c, StringComparison.Ordinal))
            ? word
            : "'" + word.Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal)
                .Replace("\x1b", "\\e", StringComparison.Ordinal) + "'";
}

/// <summary>All command lines; one list per subject.</summary>
internal static partial class ParityCases
{
    public const string Uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";

    public static IReadOnlyList<ParityCase> All { get; } =
    [
        .. Grammar.Concat(Lines).Concat(GlobalOptions).Concat(Connecting).Concat(Numbers).Concat(Sizes).Concat(Names)
            .Concat(Listing).Concat(Statistics).Concat(Lifecycle).Concat(Host).Concat(Devices)
            .Concat(Xml).Concat(Processors).Concat(MemoryLimits).Concat(Events).Concat(Counters).Concat(Jobs)
            .Concat(ShellCommands).Concat(ShellLines).Concat(LogAndKeepalive).Concat(Help).Concat(Additions).DistinctBy(one => one.Key),
    ];

    // Words are separated by single spaces here; those with something special in them are given one by one.
    private static ParityCase Case(string words) => new(words.Split(' '));

    private static ParityCase Words(params string[] words) => new(words);

    private static ParityCase Line(string line) => new([line]);

    private static ParityCase Bare(params string[] words) => new(words) { OnTestDriver = false };
}
