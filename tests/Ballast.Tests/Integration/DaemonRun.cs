using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A ballastd with any arguments, started by any command, for tests about its start, its end and what it leaves.</summary>
internal static class DaemonRun
{
    /// <summary>A shell in a mount namespace of its own, whose /run is empty, runs the script; <c>$0</c> is ballastd.</summary>
    /// <param name="script">What it runs.</param>
    /// <param name="options">Of the file system.</param>
    public static string[] InOwnRun(string script, string options = "mode=755") =>
        ["unshare", "-m", "sh", "-c", $"mount -t tmpfs -o {options} none /run || exit 99; {script}", BallastDaemon.Program];

    /// <summary>Runs it to its end, which has to come by itself.</summary>
    public static Task<CommandResult> ToEndAsync(CancellationToken token, params string[] arguments) =>
        CommandToEndAsync([BallastDaemon.Program, .. Config(arguments), .. arguments], token);

    public static Task<CommandResult> CommandToEndAsync(string[] command, CancellationToken token) =>
        ChildProcess.RunAsync(command[0], command[1..], cancellationToken: token);

    /// <summary>Starts a command that becomes the daemon, and returns when it listens.</summary>
    public static async Task<ChildProcess> StartCommandAsync(string[] command, CancellationToken token)
    {
        ChildProcess process = await ChildProcess.StartAsync(command[0], command[1..]);
        await ForAsync(process, "listens on", token);
        return process;
    }

    public static Task<ChildProcess> StartAsync(CancellationToken token, params string[] arguments) =>
        StartCommandAsync([BallastDaemon.Program, .. Config(arguments), .. ExclusiveCollection.WithoutOthers(arguments)], token);

    /// <summary>Waits for a text in the daemon's log.</summary>
    public static Task ForAsync(ChildProcess process, string text, CancellationToken token) =>
        Deadline.UntilAsync(Deadline.Default, $"'{text}' in the log of ballastd", _ =>
        {
            if (process.Errors.Contains(text, StringComparison.Ordinal))
                return Task.FromResult(true);
            return process.HasExited ? throw new InvalidOperationException($"ballastd ended: {process.Errors}") : Task.FromResult(false);
        }, token);

    public static async Task EndAsync(ChildProcess process, CancellationToken token)
    {
        ChildProcess.Terminate(process.Pid);
        await process.WaitForExitAsync(token);
        Assert.True(process.ExitCode == 0, process.Errors);
    }

    /// <summary>It ended with one line on standard error, and nothing else.</summary>
    public static void IsRefused(CommandResult result, int status, string part)
    {
        Assert.Equal(status, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.StartsWith("ballastd: ", result.Errors);
        Assert.Equal(result.Errors.Length - 1, result.Errors.IndexOf('\n'));
        Assert.Contains(part, result.Errors);
    }

    private static string[] Config(string[] arguments) => arguments.Contains("--config") ? [] : ["--config", "/dev/null"];
}
