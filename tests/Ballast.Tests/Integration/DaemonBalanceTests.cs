using System.Text.Json;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>ballastd advises where it is told to, and moves nothing.</summary>
[Trait("needs", "qemu")]
public sealed class DaemonBalanceTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Advice_is_logged_where_that_is_set_and_a_client_reads_the_hosts_side_of_memory()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "advised", MemoryMib = 64 }, Token);
        string log = _directory.File("state/balance.jsonl");
        await using BallastDaemon daemon = await StartAsync(
            $"balance = \"advise\"\nbalance_budget = \"1G\"\nbalance_log = \"{log}\"\n", guest.MonitorPath);
        await Deadline.UntilAsync(Deadline.Default, "a line in the log", async token =>
            File.Exists(log) && (await File.ReadAllTextAsync(log, token)).EndsWith('\n'), Token);
        JsonElement line = JsonDocument.Parse((await File.ReadAllLinesAsync(log, Token))[0]).RootElement;
        Assert.Equal(("ballast", 1024 * 1024), (line.GetProperty("policy").GetString(), line.GetProperty("budget_kib").GetInt32()));
        JsonElement decision = Assert.Single(line.GetProperty("decisions").EnumerateArray());
        Assert.Equal(("advised", "leave"), (decision.GetProperty("name").GetString(), decision.GetProperty("advice").GetString()));

        await using Connection connection = await Connection.OpenAsync(daemon.Uri, cancellationToken: Token);
        HostMemory host = await connection.GetHostMemoryAsync(cancellationToken: Token);
        Assert.InRange(host.AvailableKiB!.Value, 1u, host.TotalKiB!.Value);
        DomainProcessMemory process = Assert.Single(await connection.GetProcessMemoryAsync(await connection.ListDomainsAsync(cancellationToken: Token), Token));
        Assert.Equal(("advised", MemoryStatsReason.Fresh), (process.Domain.Name, process.Memory.Reason));
        Assert.NotNull(process.Memory.SwappedKiB);
        Assert.True(process.Memory.RunTime > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("balance = \"on\"", "balance: 'on' is neither off nor advise")]
    [InlineData("balance_budget = \"much\"", "balance_budget: 'much' is not a size such as 512M or 48G")]
    [InlineData("balance_budget = \"99999999T\"", "balance_budget: '99999999T' is not a size such as 512M or 48G")]
    [InlineData("balance_log = \"log\"", "balance_log: 'log' is not an absolute path")]
    [InlineData("balance_log = \"/\"", "balance_log: '/' names a directory, not a file")]
    [InlineData("balance_log = \"/var/log/..\"", "balance_log: '/var/log/..' names a directory, not a file")]
    [InlineData("balance_budget = \"1G\"\nbalance_cgroup = \"x\"", "balance_budget and balance_cgroup cannot both be set")]
    public async Task Settings_that_cannot_be_are_refused(string settings, string complaint)
    {
        string file = _directory.File("ballastd.conf");
        await File.WriteAllTextAsync(file, settings + "\n", Token);
        CommandResult result = await ChildProcess.RunAsync(BallastDaemon.Program, ["--check", "--config", file], cancellationToken: Token);
        Assert.Contains(complaint, result.Errors, StringComparison.Ordinal);
        Assert.Equal(2, result.ExitCode);
    }

    private async Task<BallastDaemon> StartAsync(string settings, string monitor)
    {
        string file = _directory.File("ballastd.conf");
        await File.WriteAllTextAsync(file, settings, Token);
        return await BallastDaemon.StartAsync(Token, "--config", file, "--qmp", monitor);
    }
}
