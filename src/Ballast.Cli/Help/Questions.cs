namespace Ballast.Cli.Help;

/// <summary>What operators ask every day, and the command that answers.</summary>
internal static class Questions
{
    /// <summary>In the order in which they come up. In capitals: what is to be filled in.</summary>
    public static IReadOnlyList<(string Question, string Command)> All { get; } =
    [
        ("Which guests are short?", "memory --pressed"),
        ("Which have no current numbers?", "memory --stale"),
        ("What could the host get back?", "memory"),
        ("Why is a number missing?", "doctor DOMAIN"),
        ("Who holds the monitor?", "doctor DOMAIN"),
        ("How do I shrink a guest safely?", "setmem DOMAIN SIZE --wait"),
        ("How does a guest's memory change over time?", "watch DOMAIN"),
        ("Will a guest swap soon?", "watch DOMAIN --until 'usable<10%,swap-out>0'"),
        ("How do I ask several hosts?", "-c URI -c URI memory"),
        ("Is there JSON for scripts?", "memory --json"),
        ("What state is it in, and why?", "domstate DOMAIN --reason"),
        ("What does its balloon do?", "event DOMAIN --all --loop --timestamp"),
        ("How is it configured?", "dumpxml DOMAIN"),
        ("Is my daemon healthy?", "doctor"),
        ("What does a command do?", "help COMMAND"),
    ];

    public static string Lines()
    {
        int width = All.Max(one => one.Question.Length);
        return string.Join('\n', All.Select(one => $"  {one.Question.PadRight(width)}  ballast {one.Command}"));
    }
}
