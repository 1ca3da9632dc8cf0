using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A terminal of tmux's, in which a shell runs as a user's does: keys are typed, and the screen is read.</summary>
internal sealed class Terminal : IAsyncDisposable
{
    private readonly PrivateDirectory _directory = new();
    private string _name = "";

    private Terminal()
    {
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Socket => _directory.File("tmux");

    /// <summary>What is its user's own: state, home, and <c>ballast</c> on the path.</summary>
    public string Home => _directory.Path;

    /// <param name="columns">Its width.</param>
    /// <param name="rows">Its height.</param>
    /// <param name="shell">A shell with an empty configuration, whose prompt is <c>$ </c>.</param>
    public static async Task<Terminal> StartAsync(int columns = 100, int rows = 40, params string[] shell)
    {
        Terminal terminal = new();
        _ = Directory.CreateDirectory(terminal._directory.File("bin"));
        _ = File.CreateSymbolicLink(terminal._directory.File("bin/ballast"), Path.GetFullPath(Cli.CliRun.Program));
        string[] command = shell.Length > 0 ? shell : ["bash", "--norc", "--noprofile"];
        await terminal.TmuxAsync(
        [
            "-f", "/dev/null", "new-session", "-d", "-x", $"{columns}", "-y", $"{rows}",
            "env", "-u", "LIBVIRT_DEFAULT_URI", "-u", "VIRSH_DEFAULT_CONNECT_URI", "-u", "XDG_STATE_HOME", "-u", "NO_COLOR", "-u", "INPUTRC", "-u", "EDITRC",
            "LC_ALL=C.UTF-8", "PS1=$ ", "HISTFILE=/dev/null", $"HOME={terminal.Home}", $"PATH={terminal._directory.File("bin")}:{Environment.GetEnvironmentVariable("PATH")}", .. command,
        ]);
        terminal._name = (await terminal.TmuxAsync(["display-message", "-p", "#{pane_tty}"])).Trim();
        return terminal;
    }

    /// <summary>Text as it is.</summary>
    public Task TypeAsync(string text) => TmuxAsync(["send-keys", "-l", "--", text]);

    /// <summary>Keys by tmux's names: <c>Enter</c>, <c>Tab</c>, <c>C-c</c>, <c>Up</c>.</summary>
    public Task PressAsync(params string[] keys) => TmuxAsync(["send-keys", .. keys]);

    /// <summary>A line with its end.</summary>
    public async Task EnterAsync(string line)
    {
        await TypeAsync(line);
        await PressAsync("Enter");
    }

    public Task ResizeAsync(int columns, int rows) => TmuxAsync(["resize-window", "-x", $"{columns}", "-y", $"{rows}"]);

    /// <summary>What is on the screen, without what is empty at its end.</summary>
    public async Task<string> ScreenAsync() => (await TmuxAsync(["capture-pane", "-p"])).TrimEnd('\n', ' ');

    /// <summary>Waits until the screen ends so.</summary>
    public async Task<string> WaitForEndAsync(string end) => await WaitAsync(end.TrimEnd(), screen => screen.EndsWith(end.TrimEnd(), StringComparison.Ordinal));

    /// <summary>Waits until that is somewhere on the screen.</summary>
    public Task<string> WaitForAsync(string text) => WaitAsync(text, screen => screen.Contains(text, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        // What runs in it hears that its terminal is gone, and may still write.
        string[] pids = [.. (await ChildProcess.RunAsync("ps", ["-o", "pid=", "--no-headers", "-t", _name])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        _ = await ChildProcess.RunAsync("tmux", ["-S", Socket, "kill-server"]);
        await Deadline.UntilAsync(Deadline.Default, "end of the terminal's programs", _ => Task.FromResult(!pids.Any(pid => Directory.Exists($"/proc/{pid}"))), CancellationToken.None);
        _directory.Dispose();
    }

    private async Task<string> WaitAsync(string what, Func<string, bool> isThere)
    {
        string screen = "";
        try
        {
            await Deadline.UntilAsync(Deadline.Default, what, async _ => isThere(screen = await ScreenAsync()), Token, TimeSpan.FromMilliseconds(50));
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The screen has no '{what}':\n{screen}");
        }

        return screen;
    }

    private async Task<string> TmuxAsync(IEnumerable<string> arguments)
    {
        CommandResult result = await ChildProcess.RunAsync("tmux", ["-u", "-S", Socket, .. arguments], cancellationToken: Token);
        Assert.True(result.ExitCode == 0, result.Errors);
        return result.Output;
    }
}
