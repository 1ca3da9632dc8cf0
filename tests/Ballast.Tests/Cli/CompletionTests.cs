using Ballast.Cli.Commands;
using Ballast.Cli.Parsing;

namespace Ballast.Tests.Cli;

/// <summary>What may be typed next, as the shells' scripts ask for it.</summary>
public sealed class CompletionTests
{
    private const string BashBreaks = " \t\n\"'@><=;|&(:";

    private static FakeDriver Driver => new(new FakeDomain("web", 7), new FakeDomain("web 2$(x)", 8), new FakeDomain("dä:ta'b", 9), new FakeDomain("e\x1b[1m", 10), new FakeDomain("e\u202e", 11));

    [Theory]
    [InlineData("ballast domst", "domstate |domstats ")]
    [InlineData("ballast xyz", "")]
    [InlineData("ballast xyz ", "")]
    [InlineData("ballast -q domsta", "domstate |domstats ")]
    [InlineData("ballast --quiet -rc x domi", "domid |domiflist |dominfo ")]
    [InlineData("ballast --re", "--readonly ")]
    [InlineData("ballast -c qemu:///s", "///session |///system ")]
    [InlineData("ballast --connect=qmp", "qmp:/// ")]
    [InlineData("ballast domstate w", @"web |web\ 2\$\(x\) ")]
    [InlineData(@"ballast domstate web\ ", @"web\ 2\$\(x\) ")]
    [InlineData("ballast domstate \"web", @"web|web 2\$(x)")]
    [InlineData("ballast domstate 'web", "web|web 2$(x)")]
    [InlineData("ballast domstate d", @"dä:ta\'b ")]
    [InlineData("ballast domstate dä:t", @"ta\'b ")]
    [InlineData("ballast domstate 'd", "")]
    [InlineData("ballast domstate e", "")]
    [InlineData("ballast domstate --domain=we", @"web |web\ 2\$\(x\) ")]
    [InlineData("ballast domstate --domain we", @"web |web\ 2\$\(x\) ")]
    [InlineData("ballast domstate -- we", @"web |web\ 2\$\(x\) ")]
    [InlineData("ballast domstate web ", "--reason ")]
    [InlineData("ballast domstate web --", "--help |--reason ")]
    [InlineData("ballast domstate web -- --", "")]
    [InlineData("ballast domstats web ", @"dä:ta\'b |web |web\ 2\$\(x\) ")]
    [InlineData("ballast shutdown web --mode ", "acpi |agent |initctl |paravirt |signal ")]
    [InlineData("ballast shutdown web --mode acpi,a", "acpi,agent ")]
    [InlineData("ballast shutdown web --mode=s", "signal ")]
    [InlineData("ballast memory --sort re", "reclaimable |resident ")]
    [InlineData("ballast balance advise --policy ", "ballast |host_goal |pi_control |preferred |proportional |shrink_by_free |static |watermark ")]
    [InlineData("ballast balance advise --policy=a", "")]
    [InlineData("ballast balance simulate --policy=a", "all ")]
    [InlineData("ballast balance simulate --policy o", "oracle ")]
    [InlineData("ballast balance replay --policy o", "")]
    [InlineData("ballast balance replay --policy a", "all ")]
    [InlineData("ballast balance advise w", @"web |web\ 2\$\(x\) ")]
    [InlineData("ballast balance replay /usr/li", "/usr/lib/|/usr/libexec/", true)]
    [InlineData("ballast balance advise --", "--budget |--cgroup |--file |--help |--json |--period |--policy |--watch ")]
    [InlineData("ballast balance log --", "--file |--help |--json ")]
    [InlineData("ballast balance --p", "--period |--policy ")]
    [InlineData("ballast help domst", "domstate |domstats ")]
    [InlineData("ballast help mon", "monitor ")]
    [InlineData("ballast cd /usr/li", "/usr/lib/|/usr/libexec/", true)]
    public async Task Bash_is_told_what_to_type(string line, string candidates, bool maybeMore = false)
    {
        Outcome outcome = await CliRun.BallastAsync(Driver, "__complete", "bash", line, BashBreaks);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        string[] found = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (maybeMore)
            Assert.All(candidates.Split('|'), candidate => Assert.Contains(candidate, found));
        else
            Assert.Equal(candidates.Split('|', StringSplitOptions.RemoveEmptyEntries), found);
    }

    [Theory]
    [InlineData("memory", "db web", "one:/// two:///")]
    [InlineData("doctor", "db web", "one:/// two:///")]
    [InlineData("domstate", "db", "two:///")]
    public async Task A_command_that_asks_several_hosts_is_offered_the_domains_of_all(string command, string names, string asked)
    {
        List<string> uris = [];
        Outcome outcome = await CliRun.BallastAsync(["__complete", "zsh", "-c", "dead:///", "-c", "one:///", "--connect=one:///", "-ctwo:///", command, ""], (uri, options, _) =>
        {
            if (uri == "dead:///")
                throw LibvirtError.Report(ErrorCode.SystemError, ErrorOrigin.Rpc, "nobody listens");
            lock (uris)
                uris.Add(uri!);
            return new(new Connection(new FakeDriver(new FakeDomain(uri == "one:///" ? "web" : "db", 1)), uri!, options));
        }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(names.Split(' '), outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', '\t', ':')[0]));
        Assert.Equal(asked.Split(' '), uris.Order());
    }

    [Theory]
    [InlineData("qemu+ssh://h/system", "qemu+ssh://h/system?no_tty=1")]
    [InlineData("qemu+ssh://h/system?keyfile=/k", "qemu+ssh://h/system?keyfile=/k&no_tty=1")]
    [InlineData("qemu:///system", "qemu:///system")]
    public async Task Names_of_domains_are_looked_up_without_a_question_to_anybody(string typed, string opened)
    {
        List<string?> uris = [];
        Outcome outcome = await CliRun.BallastAsync(["__complete", "zsh", "-c", typed, "domstate", "w"], (uri, options, _) =>
        {
            uris.Add(uri);
            return new(new Connection(Driver, "fake:///", options));
        }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.StartsWith("web", outcome.Output, StringComparison.Ordinal);
        Assert.Equal([opened], uris);
    }

    [Theory]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Other_shells_are_told_what_it_is_too(string shell)
    {
        Outcome outcome = await CliRun.BallastAsync(Driver, "__complete", shell, "-q", "domst");
        Assert.Equal("domstate\tshow the state of a domain\ndomstats\tshow statistics of several domains\n", outcome.Output);
        outcome = await CliRun.BallastAsync(Driver, "__complete", shell, "domstate", "");
        Assert.Equal("dä:ta'b\nweb\nweb 2$(x)\n", outcome.Output);
    }

    [Fact]
    public async Task Every_option_of_every_command_is_completed()
    {
        foreach (Command command in CommandTable.All)
        {
            string[] found = (await CliRun.BallastAsync(Driver, "__complete", "fish", command.Name, "--")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(command.Options.Select(option => $"--{option.Name}").Append("--help").Order(StringComparer.Ordinal), found.Select(line => line.Split('\t')[0]));
        }
    }

    [Fact]
    public async Task A_hypervisor_that_never_answers_costs_the_names_only()
    {
        using CancellationTokenSource never = new();
        Outcome outcome = await CliRun.BallastAsync(
            ["__complete", "fish", "domstate", ""], async (_, _, _) =>
            {
                // Not even cancelling helps.
                await Task.Delay(Timeout.Infinite, never.Token);
                throw new InvalidOperationException();
            },
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(new Outcome(0, "", ""), outcome);
        await never.CancelAsync();
    }

    [Fact]
    public async Task Names_are_asked_for_only_where_a_name_is_wanted()
    {
        int opened = 0;
        foreach (string line in (string[])["ballast domst", "ballast list --", "ballast domstate web --", "ballast shutdown web ", "ballast help "])
        {
            _ = await CliRun.BallastAsync(["__complete", "bash", line, BashBreaks], (_, _, _) =>
            {
                opened++;
                throw new InvalidOperationException();
            }, cancellationToken: TestContext.Current.CancellationToken);
        }

        Assert.Equal(0, opened);
    }
}
