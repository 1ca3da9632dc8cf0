using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A real terminal with a shell in it, by a tmux of its own.</summary>
internal sealed class TmuxTerminal : IAsyncDisposable
{
    private const string Session = "test";

    private readonly PrivateDirectory _directory = new();

    public static async Task<TmuxTerminal> StartAsync(int columns, int rows, CancellationToken cancellationToken)
    {
        TmuxTerminal terminal = new();
        await terminal.TmuxAsync(cancellationToken, "-f", "/dev/null", "new-session", "-d", "-s", Session, "-x", $"{columns}", "-y", $"{rows}",
            "env", "-u", "NO_COLOR", "PS1=$ ", "LC_ALL=C.UTF-8", "bash", "--norc", "--noprofile");
        await terminal.UntilAsync("the shell's prompt", screen => screen.Contains('$', StringComparison.Ordinal), cancellationToken);
        return terminal;
    }

    /// <summary>Types a line, and presses Enter.</summary>
    public Task TypeLineAsync(string line, CancellationToken cancellationToken) => SendAsync(cancellationToken, line, "Enter");

    /// <summary>Presses keys by tmux's names; what is none is typed.</summary>
    public Task SendAsync(CancellationToken cancellationToken, params string[] keys) => TmuxAsync(cancellationToken, ["send-keys", "-t", Session, .. keys]);

    public Task ResizeAsync(int columns, int rows, CancellationToken cancellationToken) =>
        TmuxAsync(cancellationToken, "resize-window", "-t", Session, "-x", $"{columns}", "-y", $"{rows}");

    /// <summary>What is to be seen, without colours.</summary>
    public Task<string> ScreenAsync(CancellationToken cancellationToken) => TmuxAsync(cancellationToken, "capture-pane", "-p", "-t", Session);

    /// <summary>Looks until something is to be seen.</summary>
    public async Task<string> UntilAsync(string what, Func<string, bool> isSeen, CancellationToken cancellationToken)
    {
        string screen = "";
        try
        {
            await Deadline.UntilAsync(Deadline.Default, what, async token => isSeen(screen = await ScreenAsync(token)), cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException($"Not seen: {what}. The screen:\n{screen}", e);
        }

        return screen;
    }

    /// <summary>The process that the shell runs now.</summary>
    public async Task<int> ChildAsync(CancellationToken cancellationToken)
    {
        string shell = (await TmuxAsync(cancellationToken, "display-message", "-p", "-t", Session, "#{pane_pid}")).Trim();
        string children = await File.ReadAllTextAsync($"/proc/{shell}/task/{shell}/children", cancellationToken);
        return int.Parse(children.Split(' ')[0], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        // Its own server, at its own socket.
        _ = await ChildProcess.RunAsync("tmux", ["-S", _directory.File("tmux"), "kill-server"]);
        _directory.Dispose();
    }

    private async Task<string> TmuxAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        CommandResult result = await ChildProcess.RunAsync("tmux", ["-u", "-S", _directory.File("tmux"), .. arguments], cancellationToken: cancellationToken);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"tmux failed: {result}");
    }
}
