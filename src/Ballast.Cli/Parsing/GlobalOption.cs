namespace Ballast.Cli.Parsing;

/// <summary>One option before the command. Parsing, help, completion and the manual read this table.</summary>
/// <param name="Name">Its long name.</param>
/// <param name="Letter">Its short name.</param>
/// <param name="ValueName">What it takes; null: nothing.</param>
/// <param name="Summary">What it does, in one line of help.</param>
internal sealed record GlobalOption(string Name, char Letter, string? ValueName, string Summary)
{
    /// <summary>By name.</summary>
    public static IReadOnlyList<GlobalOption> All { get; } =
    [
        new("connect", 'c', "URI", "the hypervisor to connect to; see below (list, memory, doctor and top take several)") { Completes = ValueCompletion.Uri },
        new("debug", 'd', "LEVEL", "report progress on standard error, from 0 (everything) to 4 (errors only, the default)"),
        new("escape", 'e', "KEY", "accepted for compatibility: ballast has no consoles"),
        new("help", 'h', null, "show this help"),
        new("keepalive-count", 'K', "N", "give a daemon up after N probes without an answer"),
        new("keepalive-interval", 'k', "SECONDS", "seconds of silence before a daemon is probed; 0: never"),
        new("log", 'l', "FILE", "append every request to daemons and monitors, and every error, to FILE") { Completes = ValueCompletion.File },
        new("quiet", 'q', null, "omit headings and the blank line after each command"),
        new("readonly", 'r', null, "refuse commands that change anything"),
        new("timing", 't', null, "show how long each command took"),
        new("version", 'v', null, "show the version; -V or --version=long shows more") { MayHaveValue = true },
    ];

    /// <summary>Whether it has a value only where one is joined to it.</summary>
    public bool MayHaveValue { get; init; }

    /// <summary>What completion offers as its value.</summary>
    public ValueCompletion Completes { get; init; }

    public bool TakesValue => ValueName is not null;

    /// <summary>Both names and the value, as help shows them.</summary>
    public string Label => $"-{Letter}, --{Name}{(ValueName is null ? "" : $" {ValueName}")}";

    /// <summary>The one with this name, which may be shortened as far as it stays unique.</summary>
    public static GlobalOption? Find(string name)
    {
        GlobalOption[] found = [.. All.Where(option => option.Name.StartsWith(name, StringComparison.Ordinal))];
        return found.Length == 1 ? found[0] : found.FirstOrDefault(option => option.Name == name);
    }

    public static GlobalOption? Find(char letter) => All.FirstOrDefault(option => option.Letter == letter);
}
