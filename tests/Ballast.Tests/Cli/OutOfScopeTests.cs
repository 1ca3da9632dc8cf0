using Ballast.Cli.Commands;

namespace Ballast.Tests.Cli;

/// <summary>Every command of virsh is ours, or is left to virsh by name.</summary>
[Trait("needs", "virsh")]
public sealed class OutOfScopeTests
{
    private static readonly string[] OurOwn = ["balance", "doctor", "memory", "top", "watch"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_of_virshs_is_forgotten_or_there_twice()
    {
        Outcome help = await CliRun.ProcessAsync("virsh", ["help"], cancellationToken: Token);
        string[] names = [.. help.Output.Split('\n').Where(line => line.StartsWith("    ", StringComparison.Ordinal)).Select(line => line.Trim().Split(' ')[0])];
        string[] ours = [.. CommandTable.All.Select(command => command.Name)];

        Assert.InRange(names.Length, 200, 400);
        Assert.All(names, name => Assert.Single(
            new[] { ours.Contains(name), OutOfScope.Explain(name) is not null }, isSo => isSo));
        Assert.Equal(OurOwn, ours.Except(names));
    }

    [Theory]
    [InlineData("net-list", "error: command 'net-list' is out of scope: ballast does not manage networks; use libvirt's virsh\n")]
    [InlineData("uri; snapshot-list x", "error: command 'snapshot-list' is out of scope: ballast does not manage snapshots; use libvirt's virsh\n")]
    [InlineData("help migrate", "error: command 'migrate' is out of scope: ballast does not manage migration; use libvirt's virsh\n")]
    [InlineData("help pool", "error: command group 'pool' is out of scope: ballast does not manage storage pools; use libvirt's virsh\n")]
    [InlineData("net-lst", "error: unknown command: 'net-lst'\n")]
    [InlineData("suspnd x", "error: unknown command: 'suspnd'\nerror: did you mean 'suspend'?\n")]
    public async Task It_says_who_has_it(string line, string error)
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), line);
        Assert.Equal((1, error), (outcome.ExitCode, outcome.Error));
    }

    [Theory]
    [InlineData("domain", "suspend", "list")]
    [InlineData("monitor", "list", "suspend")]
    [InlineData("host", "nodeinfo", "list")]
    [InlineData("virsh", "help", "uri")]
    public async Task Help_of_a_group_has_its_commands_only(string group, string has, string hasNot)
    {
        string help = (await CliRun.BallastAsync("help", group)).Output;
        Assert.Contains($"\n  {has} ", help, StringComparison.Ordinal);
        Assert.DoesNotContain($"\n  {hasNot} ", help, StringComparison.Ordinal);
    }
}
