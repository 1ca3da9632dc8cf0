using Ballast.Cli.Commands;
using Ballast.Cli.Parsing;
using Ballast.Guests;
using Ballast.Tests.Cli;

namespace Ballast.Tests.Integration;

/// <summary>What is made of the tables and installed beside the programs: completion in real shells, and manual pages.</summary>
[Trait("needs", "tmux")]
public sealed class InstalledFileTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bash_completes()
    {
        await using Terminal terminal = await Terminal.StartAsync();
        await terminal.EnterAsync("source <(ballast __make completion bash); clear");
        await terminal.WaitForEndAsync("$ ");
        await CompleteAsync(terminal, "ballast domsta", "\n$ ballast domstat");
        await CompleteAsync(terminal, "ballast -c qemu:///sy", "\n$ ballast -c qemu:///system");
        await CompleteAsync(terminal, "ballast -c test:///default domstate t", "\n$ ballast -c test:///default domstate test");
        await terminal.EnterAsync("ballast -c test:///default domstate --domain=t\t --rea\t; echo done");
        await terminal.WaitForAsync("\nrunning (unknown)\n");
    }

    [Fact]
    public async Task Bash_runs_nothing_that_a_domain_is_called()
    {
        await using Terminal terminal = await Terminal.StartAsync();
        string file = Path.Combine(terminal.Home, "host.xml");
        await File.WriteAllTextAsync(
            file, "<node><domain type='test'><name>a b$(touch ran)*`touch ran`</name><memory>1024</memory><os><type>hvm</type></os></domain></node>", Token);
        await terminal.EnterAsync("source <(ballast __make completion bash); cd; clear");
        await terminal.WaitForEndAsync("$ ");
        await terminal.TypeAsync($"ballast -c test://{file} domname --help; ballast -q -c test://{file} domid a\t");
        await terminal.WaitForAsync(@"a\ b\$\(touch\ ran\)\*\`touch\ ran\`");
        await terminal.PressAsync("Enter");
        await terminal.WaitForEndAsync("\n1\n$ ");
        Assert.False(File.Exists(Path.Combine(terminal.Home, "ran")));
    }

    [Fact]
    public async Task Zsh_completes()
    {
        await using Terminal terminal = await Terminal.StartAsync(100, 40, "zsh", "-f");
        await terminal.EnterAsync("PROMPT='$ '; autoload -U compinit; compinit -u -D; source <(ballast __make completion zsh); clear");
        await terminal.WaitForEndAsync("$ ");
        await CompleteAsync(terminal, "ballast domsta", "\n$ ballast domstat");
        await CompleteAsync(terminal, "ballast -c test:///default domstate t", "\n$ ballast -c test:///default domstate test");
        await terminal.TypeAsync("ballast shutdown test --mode ini\t");
        await terminal.WaitForAsync("--mode initctl");
    }

    [Fact]
    public async Task Fish_completes()
    {
        using PrivateDirectory directory = new();
        _ = File.CreateSymbolicLink(directory.File("ballast"), Path.GetFullPath(CliRun.Program));
        CommandResult result = await ChildProcess.RunAsync(
            "fish", ["--no-config", "-c", "ballast __make completion fish | source; complete -C 'ballast -c test:///default domsta'; complete -C 'ballast -c test:///default domstate t'"],
            new Dictionary<string, string> { ["PATH"] = $"{directory.Path}:{Environment.GetEnvironmentVariable("PATH")}", ["HOME"] = directory.Path, ["LC_ALL"] = "C.UTF-8" },
            cancellationToken: Token);
        Assert.Equal("domstate\tshow the state of a domain\ndomstats\tshow statistics of several domains\ntest\n", result.Output);
    }

    [Theory]
    [InlineData("ballast", 1)]
    [InlineData("ballastd", 8)]
    [InlineData("ballastd.conf", 5)]
    public async Task Manuals_are_well_formed(string page, int section)
    {
        string text = await ManualAsync(page);
        Assert.Contains($".TH {page.ToUpperInvariant()} {section} ", text, StringComparison.Ordinal);
        using PrivateDirectory directory = new();
        string file = directory.File(page);
        await File.WriteAllTextAsync(file, text, Token);
        Assert.Equal(new CommandResult(0, "", ""), await ChildProcess.RunAsync("groff", ["-man", "-Tutf8", "-ww", "-z", file], cancellationToken: Token));

        // A page has no date, so that the same sources make the same page.
        CommandResult lint = await ChildProcess.RunAsync("mandoc", ["-Tlint", "-W", "warning", file], cancellationToken: Token);
        Assert.All(lint.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Contains("missing date", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Manuals_explain_every_command_option_and_setting()
    {
        string ballast = (await ManualAsync("ballast")).Replace("\\-", "-", StringComparison.Ordinal);
        foreach (Command command in CommandTable.All)
        {
            int at = ballast.IndexOf($"\n\\fB{command.Name} ", StringComparison.Ordinal);
            if (at < 0)
                at = ballast.IndexOf($"\n\\fB{command.Name}\\fP", StringComparison.Ordinal);
            Assert.True(at >= 0, command.Name);
            Assert.All(command.Options, option => Assert.True(ballast.IndexOf($"--{option.Name}", at, StringComparison.Ordinal) > at, $"{command.Name} --{option.Name}"));
        }

        string help = (await ChildProcess.RunAsync(BallastDaemon.Program, ["--help"], cancellationToken: Token)).Output;
        string settings = help[help.IndexOf("Settings: ", StringComparison.Ordinal)..help.IndexOf(".\nSIGHUP", StringComparison.Ordinal)]["Settings: ".Length..];
        string file = await ManualAsync("ballastd.conf"), daemon = (await ManualAsync("ballastd")).Replace("\\-", "-", StringComparison.Ordinal);
        string[] names = settings.Split([',', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.InRange(names.Length, 16, 50);
        Assert.All(names, name => Assert.Contains($"\\fB{name} = ", file, StringComparison.Ordinal));
        Assert.All(
            help.Split('\n').Where(line => line.StartsWith("  --", StringComparison.Ordinal)).Select(line => line.Trim().Split(' ')[0]),
            option => Assert.Contains($"\\fB{option}", daemon, StringComparison.Ordinal));
    }

    private static async Task<string> ManualAsync(string page)
    {
        CommandResult result = page == "ballast"
            ? await ChildProcess.RunAsync(CliRun.Program, ["__make", "man"], cancellationToken: Token)
            : await ChildProcess.RunAsync(BallastDaemon.Program, ["__make", "man", page], cancellationToken: Token);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return result.Output;
    }

    private static async Task CompleteAsync(Terminal terminal, string typed, string completed)
    {
        await terminal.TypeAsync(typed + "\t");
        await terminal.WaitForAsync(completed[1..]);
        await terminal.PressAsync("C-u");
        await terminal.EnterAsync("clear");
        await terminal.WaitForEndAsync("$ ");
    }
}
