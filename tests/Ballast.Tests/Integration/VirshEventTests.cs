using System.Diagnostics;
using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Unmodified virsh listens on ballastd while a guest's balloon moves and its QEMU is paused and resumed.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "virsh")]
public sealed class VirshEventTests
{
    private const uint PagesPerMib = 256;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Virsh_hears_the_balloon_move_and_the_guest_pause()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        await using DrivenGuest other = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "other" }, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath, "--qmp", other.MonitorPath);
        Task<CommandResult> balloons = ListenAsync(daemon, "--event balloon-change"), lifecycles = ListenAsync(daemon, "--event lifecycle"),
            ofOne = ListenAsync(daemon, "--event lifecycle --domain other"), everything = ListenAsync(daemon, "--all");

        // Over and over while virsh listens: it does not say from when on it does.
        uint mib = 0;
        while (!balloons.IsCompleted || !lifecycles.IsCompleted || !ofOne.IsCompleted || !everything.IsCompleted)
        {
            await guest.WriteActualPagesAsync((mib++ % 8) * PagesPerMib, Token);
            foreach (string name in (string[])["guest", "other"])
            {
                Assert.Equal("", (await daemon.VirshAsync(["suspend", name], Token)).Errors);
                Assert.Equal("", (await daemon.VirshAsync(["resume", name], Token)).Errors);
            }
        }

        // QEMU tells of a balloon at most once a second, with the size that it has then.
        string[] sizes = [.. Enumerable.Range(0, 8).Select(pages => $"event 'balloon-change' for domain 'guest': {(32 - pages) * 1024}KiB")];
        Assert.All(Heard(await balloons), line => Assert.Contains(line, sizes));
        string[] pauses = [.. ((string[])["guest", "other"]).SelectMany(name => (string[])
            [$"event 'lifecycle' for domain '{name}': Suspended Paused", $"event 'lifecycle' for domain '{name}': Resumed Unpaused"])];
        string[] heard = Heard(await lifecycles);
        Assert.Equal(pauses.Order(), heard.Distinct().Order());

        // In their order, from wherever it began to listen.
        int first = Array.IndexOf(pauses, heard[0]);
        Assert.Equal(Enumerable.Range(first, heard.Length).Select(at => pauses[at % pauses.Length]), heard);
        Assert.Equal(pauses[2..].Order(), Heard(await ofOne).Distinct().Order());
        Assert.All(Heard(await everything), line => Assert.Contains(line, (string[])[.. sizes, .. pauses]));
        Assert.Contains(Heard(await everything), line => line.Contains("balloon-change", StringComparison.Ordinal));
        Assert.Contains(Heard(await everything), line => line.Contains("lifecycle", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Virsh_hears_a_reset_and_the_end()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath);
        Task<CommandResult> listening = ListenAsync(daemon, "--all", seconds: 40);
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(8);)
            Assert.Equal("", (await daemon.VirshAsync(["reset", "guest"], Token)).Errors);
        Assert.Equal("", (await daemon.VirshAsync(["destroy", "guest"], Token)).Errors);
        Assert.Equal(
            ["event 'reboot' for domain 'guest'", "event 'lifecycle' for domain 'guest': Shutdown Finished after host request", "event 'lifecycle' for domain 'guest': Stopped Shutdown"],
            Heard(await listening).Distinct());
    }

    [Fact]
    public async Task Ballast_says_what_virsh_says()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath);
        string[] questions =
        [
            "event --all --loop --timeout 12", "event guest --event lifecycle --loop --timeout 12 --timestamp", "-q event --event reboot --loop --timeout 12",
            "event --event lifecycle --domain guest", "-r event --event reboot", "event --event rtc-change --timeout 1", "event --event lifecycle --domain nosuch",
        ];
        Task<(CommandResult Theirs, CommandResult Ours)>[] asking = [.. questions.Select(BothAsync)];
        while (asking.Any(task => !task.IsCompleted))
        {
            foreach (string command in (string[])["suspend", "resume", "reset"])
                Assert.Equal("", (await daemon.VirshAsync([command, "guest"], Token)).Errors);
        }

        for (int i = 0; i < questions.Length; i++)
        {
            (CommandResult theirs, CommandResult ours) = await asking[i];
            Assert.Equal((questions[i], theirs.ExitCode, theirs.Errors), (questions[i], ours.ExitCode, ours.Errors));
            Assert.Equal((questions[i], Said(theirs)), (questions[i], Said(ours)));
        }

        async Task<(CommandResult, CommandResult)> BothAsync(string question)
        {
            Task<CommandResult> theirs = RunAsync("virsh"), ours = RunAsync(BallastProgram.Path);
            return (await theirs, await ours);

            Task<CommandResult> RunAsync(string program) => ChildProcess.RunAsync(
                program, ["-c", daemon.Uri, .. question.Split(' ')], new Dictionary<string, string> { ["LC_ALL"] = "C.UTF-8" }, cancellationToken: Token);
        }

        // Each line once, whenever it was; one that waits for a single event may hear any of them.
        static string Said(CommandResult result)
        {
            string[] lines = result.Output.Split('\n');
            bool isSingle = lines.Contains("events received: 1");
            IEnumerable<string> plain = lines.Select(line => Regex.Replace(Regex.Replace(line, @"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{3}\+0000: ", "TIME: "), "received: [0-9]{2,}", "received: N"));
            return string.Join('\n', isSingle ? plain.Select(line => Regex.Replace(line, "(Suspended Paused|Resumed Unpaused)", "Something")) : plain.Distinct().Order());
        }
    }

    private static Task<CommandResult> ListenAsync(BallastDaemon daemon, string what, int seconds = 15) =>
        daemon.VirshAsync(["event", .. what.Split(' '), "--loop", "--timeout", $"{seconds}"], Token);

    private static string[] Heard(CommandResult result)
    {
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] heard = [.. lines.Where(line => line.StartsWith("event '", StringComparison.Ordinal))];
        Assert.True(heard.Length > 0, $"nothing was heard: {result}");

        // What happens while virsh says goodbye may still be printed behind it.
        Assert.Equal(2, lines.Length - heard.Length);
        Assert.Contains("event loop timed out", lines);
        Assert.Contains(lines, line => line.StartsWith("events received: ", StringComparison.Ordinal));
        return heard;
    }
}
