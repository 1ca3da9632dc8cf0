using System.Text.RegularExpressions;
using Ballast.Guests;
using Ballast.Tests.Cli;

namespace Ballast.Tests.Integration;

/// <summary>top in a real terminal, with keys pressed and the screen read.</summary>
[Trait("needs", "tmux")]
public sealed partial class TopTerminalTests
{
    private const string Fleet = "'test:///fleet?domains=30&seed=5'", Foot = "q quit  ? help";
    private const int Terminate = 15, Stop = 19, Continue = 18;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Keys_filter_sort_and_show_one_guest()
    {
        await using TmuxTerminal terminal = await StartAsync(80, 24, $"-c {Fleet} top");
        string screen = await SeeAsync(terminal, "the table", "30 guests  by pressure");
        Assert.Contains("Domain ", screen, StringComparison.Ordinal);
        Assert.Matches(" [0-9]+% ", screen);

        await terminal.SendAsync(Token, "n");
        _ = await terminal.UntilAsync("sorted by name", now => now.Contains("by name", StringComparison.Ordinal) && FirstGuest(now).StartsWith("broken", StringComparison.Ordinal), Token);
        await terminal.SendAsync(Token, "/", "paused");
        screen = await SeeAsync(terminal, "the filter", "filter: paused_");
        Assert.StartsWith("paused", FirstGuest(screen), StringComparison.Ordinal);
        await terminal.SendAsync(Token, "Enter", "Enter");
        screen = await SeeAsync(terminal, "the page of a guest", "Per second: swap in");
        Assert.Contains("Resume the domain", screen, StringComparison.Ordinal);
        Assert.Contains("█", screen, StringComparison.Ordinal);
        await terminal.SendAsync(Token, "Escape");
        _ = await SeeAsync(terminal, "the table again", Foot);
        await terminal.SendAsync(Token, "?");
        _ = await SeeAsync(terminal, "the help", "sort by pressure");
        await terminal.SendAsync(Token, "q");
        await IsGivenBackAsync(terminal, 0);
    }

    [Fact]
    public async Task It_keeps_to_the_terminals_size()
    {
        await using TmuxTerminal terminal = await StartAsync(80, 24, $"-c {Fleet} top");
        _ = await SeeAsync(terminal, "the table", Foot);
        foreach ((int columns, int rows) in ((int, int)[])[(40, 12), (200, 40), (30, 10), (80, 24)])
        {
            await terminal.ResizeAsync(columns, rows, Token);
            _ = await terminal.UntilAsync($"the table in {columns} columns and {rows} rows", now =>
            {
                string[] lines = now.TrimEnd('\n').Split('\n');
                return lines.Length == rows && lines[^1].StartsWith("q quit", StringComparison.Ordinal) && lines[0].StartsWith("ballast top", StringComparison.Ordinal)
                    && now.Contains("Faults/s", StringComparison.Ordinal) == columns > 100 && FirstGuest(now).Length > 0;
            }, Token);
        }

        await terminal.SendAsync(Token, "q");
        await IsGivenBackAsync(terminal, 0);
    }

    [Fact]
    public async Task However_it_ends_the_terminal_is_given_back()
    {
        await using TmuxTerminal terminal = await StartAsync(80, 24, "-c test:///default top");
        _ = await SeeAsync(terminal, "the table", Foot);
        await terminal.SendAsync(Token, "C-c");
        await IsGivenBackAsync(terminal, 130);

        await terminal.TypeLineAsync($"clear; echo before; {CliRun.Program} -c test:///default top", Token);
        _ = await SeeAsync(terminal, "the table", Foot);
        await SignalAsync(await terminal.ChildAsync(Token), Terminate);
        await IsGivenBackAsync(terminal, 128 + Terminate);

        // Its user has stopped the terminal, and it waits to write.
        await terminal.TypeLineAsync($"clear; echo before; {CliRun.Program} -c {Fleet} top --delay 0.2", Token);
        _ = await SeeAsync(terminal, "the table", Foot);
        await terminal.SendAsync(Token, "C-s");
        await Task.Delay(TimeSpan.FromSeconds(1), Token);
        await SignalAsync(await terminal.ChildAsync(Token), Terminate);
        await IsGivenBackAsync(terminal, 128 + Terminate);

        await terminal.TypeLineAsync($"clear; echo before; {CliRun.Program} -c test:///default top", Token);
        _ = await SeeAsync(terminal, "the table", Foot);
        await terminal.SendAsync(Token, "C-z");
        string screen = await SeeAsync(terminal, "the shell's word", "Stopped");
        Assert.Contains("before", screen, StringComparison.Ordinal);
        await terminal.TypeLineAsync("fg", Token);
        _ = await SeeAsync(terminal, "the table again", Foot);
        await terminal.SendAsync(Token, "q");
        await IsGivenBackAsync(terminal, 0);
    }

    [Fact]
    [Trait("needs", "qemu")]
    public async Task A_lost_daemon_is_told_and_connected_again()
    {
        using PrivateDirectory directory = new();
        string link = directory.File("sock");
        BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", directory.Path);
        _ = File.CreateSymbolicLink(link, daemon.SocketPath);
        await using TmuxTerminal terminal = await StartAsync(120, 24, $"-c 'qemu+unix:///system?socket={link}' -c test:///default top");
        _ = await terminal.UntilAsync("both hosts", screen => screen.Contains("1 guest ", StringComparison.Ordinal) && !screen.Contains("connecting", StringComparison.Ordinal), Token);

        // First it is silent, then it speaks again, then it is gone, then another one is there.
        daemon.Signal(Stop);
        string screen = await SeeAsync(terminal, "that it is silent", "did not answer within");
        Assert.StartsWith("test ", FirstGuest(screen), StringComparison.Ordinal);
        daemon.Signal(Continue);
        _ = await terminal.UntilAsync("that it is back", now => !now.Contains("trying again", StringComparison.Ordinal), Token);
        await daemon.DisposeAsync();
        screen = await SeeAsync(terminal, "that it is gone", "trying again");
        Assert.StartsWith("test ", FirstGuest(screen), StringComparison.Ordinal);
        await using BallastDaemon next = await BallastDaemon.StartAsync(Token, "--qmp", directory.Path);
        File.Delete(link);
        _ = File.CreateSymbolicLink(link, next.SocketPath);
        _ = await terminal.UntilAsync("that the other one is there", now => !now.Contains("trying again", StringComparison.Ordinal), Token);
        await terminal.SendAsync(Token, "q");
        await IsGivenBackAsync(terminal, 0);
    }

    private static async Task<TmuxTerminal> StartAsync(int columns, int rows, string arguments)
    {
        TmuxTerminal terminal = await TmuxTerminal.StartAsync(columns, rows, Token);
        await terminal.TypeLineAsync($"clear; echo before; {CliRun.Program} {arguments}", Token);
        return terminal;
    }

    private static Task<string> SeeAsync(TmuxTerminal terminal, string what, string text) =>
        terminal.UntilAsync(what, screen => screen.Contains(text, StringComparison.Ordinal), Token);

    // The first screen is there again, what is typed is shown, and lines are read whole.
    private static async Task IsGivenBackAsync(TmuxTerminal terminal, int exitCode)
    {
        _ = await terminal.UntilAsync("the first screen", now => now.Contains("before", StringComparison.Ordinal) && !now.Contains("ballast top", StringComparison.Ordinal), Token);
        await terminal.TypeLineAsync("echo status=$? $(stty -a | grep -oE -- '-?(icanon|echo) ' | tr -d '\\n') cursor", Token);
        string screen = await terminal.UntilAsync("the shell", now => Status().IsMatch(now), Token);
        Assert.Equal($"status={exitCode} icanon echo cursor", Status().Match(screen).Value);
    }

    private static async Task SignalAsync(int process, int signal) => _ = await ChildProcess.RunAsync("kill", [$"-{signal}", $"{process}"], cancellationToken: Token);

    private static string FirstGuest(string screen) =>
        screen.Split('\n').SkipWhile(line => !line.StartsWith("Domain ", StringComparison.Ordinal)).Skip(1).FirstOrDefault() ?? "";

    [GeneratedRegex("(?m)^status=[0-9]+ .*cursor")]
    private static partial Regex Status();
}
