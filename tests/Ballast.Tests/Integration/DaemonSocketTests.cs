using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Two daemons on one path: the one that runs stays, and the one that ends takes nothing of the next one's away.</summary>
[Trait("needs", "qemu")]
[Trait("speed", "slow")]
public sealed class DaemonSocketTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_second_daemon_is_refused_while_the_first_one_runs()
    {
        await using BallastDaemon first = await BallastDaemon.StartAsync(Token);
        CommandResult second = await ChildProcess.RunAsync(BallastDaemon.Program, ["--config", "/dev/null", "--socket", first.SocketPath], cancellationToken: Token);
        Assert.Equal((2, $"ballastd: another daemon, ballastd (process {first.Pid}), listens on {first.SocketPath}: stop it first, or choose another path with --socket\n"), (second.ExitCode, second.Errors));
        await using Connection connection = await Connection.OpenAsync(first.Uri, cancellationToken: Token);
    }

    [Fact]
    public async Task A_daemon_that_starts_waits_for_the_one_that_is_ending()
    {
        using PrivateDirectory directory = new();
        string socket = directory.File("sock");
        ChildProcess next;
        await using (FileStream ending = new(socket + ".lock", FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
        {
            next = await ChildProcess.StartAsync(BallastDaemon.Program, ["--config", "/dev/null", .. ExclusiveCollection.WithoutOthers(["--socket", socket])]);
            await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
            Assert.False(next.HasExited);
            Assert.False(File.Exists(socket));
        }

        await using (next)
        {
            await Deadline.UntilAsync(Deadline.Default, "the next daemon", _ => Task.FromResult(next.Errors.Contains("listens on", StringComparison.Ordinal)), Token);
            await using Connection connection = await Connection.OpenAsync($"qemu+unix:///system?socket={socket}", cancellationToken: Token);
        }
    }
}
