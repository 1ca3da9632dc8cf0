using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Ballast.Cli.Help;
using Ballast.Drivers;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Cli;

/// <summary>What an operator asks every day: <c>ballast help</c> names one command for it, and that command answers.</summary>
public sealed class QuestionTests
{
    private const string Fleet = "test:///fleet?domains=20&seed=1", Default = "test:///default";

    /// <summary>By its question: what is filled in, what is added so that it ends, and what must be in its output.</summary>
    private static readonly Dictionary<string, (string Uri, (string Capitals, string Value)[] Filled, string[] Added, int ExitCode, string Answer)> Cases = new()
    {
        ["Which guests are short?"] = (Fleet, [], [], 0, @"(?m)^swapping-00005 .* 9\d% "),
        ["Which have no current numbers?"] = (Fleet, [], [], 0, @"(?m)^stale-00010 (.*\n)*no-driver-00007 .* driver not loaded$"),
        ["What could the host get back?"] = (Fleet, [], [], 0, @"; the host could get back \d+(\.\d)?G\."),
        ["Why is a number missing?"] = (Fleet, [("DOMAIN", "no-driver-00007")], [], 1, @"^warning: no-driver-00007: driver not loaded\n +Load virtio_balloon in the guest"),
        ["Who holds the monitor?"] = ("held", [("DOMAIN", "fake")], [], 2, @"is held by .* \(process \d+, running since "),
        ["How do I shrink a guest safely?"] = (Fleet, [("DOMAIN", "idle-00001"), ("SIZE", "10MiB")], [], 1, @"(?m)^error: idle-00001 was not changed: it needs \d+"),
        ["How does a guest's memory change over time?"] = (Fleet, [("DOMAIN", "idle-00001")], ["--count", "1"], 0, @"^Time +Used / guest.*\n\d\d:\d\d:\d\d +\d+M / 480M "),
        ["Will a guest swap soon?"] = (Fleet, [("DOMAIN", "swapping-00005")], [], 0, @"swapping-00005: usable<10% \(now \d"),
        ["How do I ask several hosts?"] = ("", [("URI", Fleet), ("URI", Default)], [], 0, @"(?m)^Domain +Host (.*\n)*idle-00001 +fleet"),
        ["Is there JSON for scripts?"] = (Fleet, [], [], 0, @"(?m)^    ""reclaimable_kib"": \d+"),
        ["What state is it in, and why?"] = (Fleet, [("DOMAIN", "paused-00006")], [], 0, @"^paused \(user\)\n"),
        ["What does its balloon do?"] = ("events", [("DOMAIN", "vm")], ["--timeout", "1"], 0, @"(?m)^\d{4}-.*: event 'balloon-change' for domain 'vm': 4096KiB$"),
        ["How is it configured?"] = (Default, [("DOMAIN", "test")], [], 0, @"^<domain type='test' id='1'>\n"),
        ["Is my daemon healthy?"] = ("events", [], [], 0, @"asked: ballastd .*, which answered in "),
        ["What does a command do?"] = (Fleet, [("COMMAND", "memory")], [], 0, @"\nusage: ballast memory \[DOMAIN\]"),
    };

    public static TheoryData<string> Asked => [.. Questions.All.Select(one => one.Question)];

    [Fact]
    public async Task Help_shows_each_question_with_its_command()
    {
        string help = (await CliRun.BallastAsync("help")).Output;
        Assert.All(Questions.All, one => Assert.Matches($@"(?m)^  {Regex.Escape(one.Question)} +ballast {Regex.Escape(one.Command)}$", help));
        Assert.Equal(Cases.Keys.Order(), Questions.All.Select(one => one.Question).Order());
        Assert.DoesNotContain("Questions:", (await CliRun.BallastAsync("help", "monitor")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Asked))]
    public async Task Its_command_answers(string question)
    {
        (string uri, (string Capitals, string Value)[] filled, string[] added, int exitCode, string answer) = Cases[question];
        List<string> words = [.. Questions.All.Single(one => one.Question == question).Command.Split(' ').Select(word => word.Trim('\'')), .. added];
        foreach ((string capitals, string value) in filled)
            words[words.IndexOf(capitals)] = value;
        Assert.DoesNotContain(words, word => word.All(char.IsAsciiLetterUpper));
        await using FakeQmp monitor = FakeQmp.Start();
        using Socket holder = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (uri == "held")
        {
            await holder.ConnectAsync(new UnixDomainSocketEndPoint(monitor.Path), TestContext.Current.CancellationToken);
            await monitor.ConnectedAsync();
            (uri, words) = (monitor.Uri, ["doctor"]);
        }

        FakeDomain guest = new("vm", 1);
        FakeDriver driver = words[0] == "event" ? new(guest) : new();
        Task<Outcome> asking = uri == "events" ? CliRun.BallastAsync(driver, ["-c", "qemu+unix:///system?socket=/x", .. words])
            : CliRun.BallastAsync(uri.Length == 0 ? [.. words] : ["-c", uri, .. words], open: null, cancellationToken: TestContext.Current.CancellationToken);
        if (words[0] == "event")
            (await driver.Subscribed.Task.WaitAsync(TestContext.Current.CancellationToken)).Add(DriverEvent.BalloonChange(guest.Identity, 4096));
        Outcome outcome = await asking;
        Assert.Matches(answer, outcome.Output + outcome.Error);
        Assert.Equal(exitCode, outcome.ExitCode);
        if (words.Contains("--json"))
            Assert.Equal(20, JsonDocument.Parse(outcome.Output).RootElement.GetProperty("domains").GetArrayLength());
    }
}
