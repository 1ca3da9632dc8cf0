namespace Ballast.Cli.Commands;

/// <summary>Words of other programs, and of the questions that people have, for what is called otherwise here.</summary>
internal static class OtherWords
{
    private static readonly (string Words, string Answer)[] All =
    [
        ("shell sh repl interactive prompt", "without a command, ballast is a shell"),
        ("man manual doc docs", "'help' explains commands, and the manual is ballast(1)"),
        ("complete completion completions autocomplete", "completion files for bash, zsh and fish are in share/; see ballast(1)"),
        ("short pressure pressed usage used mem free available reclaim reclaimable stats", "did you mean 'memory'?"),
        ("stale missing why check diagnose diag health holder owner who status ping daemon", "did you mean 'doctor'?"),
        ("alert alarm wait warn notify until", "did you mean 'watch', with --until?"),
        ("follow tail live monitor", "did you mean 'watch', or 'top' for all domains?"),
        ("shrink grow balloon resize size deflate inflate", "did you mean 'setmem'?"),
        ("ls ps vm vms guest guests domains hosts", "did you mean 'list'?"),
        ("state", "did you mean 'domstate'?"),
        ("info show", "did you mean 'dominfo'?"),
        ("xml config definition", "did you mean 'dumpxml'?"),
        ("events history", "did you mean 'event', with --all --loop?"),
        ("advice advise recommend", "did you mean 'balance advise'?"),
        ("pause stop-cpus", "did you mean 'suspend'?"),
        ("unpause continue cont", "did you mean 'resume'?"),
        ("stop poweroff halt", "did you mean 'shutdown'?"),
        ("kill off", "did you mean 'destroy'?"),
    ];

    /// <summary>Those words.</summary>
    public static IEnumerable<string> Words => All.SelectMany(one => one.Words.Split(' '));

    /// <summary>What is meant by a word that is no command; null where nobody knows.</summary>
    public static string? Explain(string word) =>
        All.FirstOrDefault(one => one.Words.Split(' ').Contains(word, StringComparer.OrdinalIgnoreCase)).Answer;
}
