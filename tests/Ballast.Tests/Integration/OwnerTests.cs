using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// Owners that connect to their monitors when they need to, beside all of ours that looks at the host's QEMUs. The figures
/// are the benchmark's (<c>owner</c>); here each gets its greeting soon enough for anybody's patience.
/// </summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class OwnerTests : IAsyncDisposable
{
    private const int Visits = 50;
    private const double LongestMilliseconds = 2000;

    private readonly PrivateDirectory _directory = new();
    private readonly List<IAsyncDisposable> _started = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable started in Enumerable.Reverse(_started))
            await started.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task An_owner_that_comes_and_goes_gets_each_greeting()
    {
        (string Name, Container Qemu, int? Network)[] all =
        [
            await StartAsync("found", ContainerKind.Host, null),
            await StartAsync("found-elsewhere", ContainerKind.Network, null),
            await StartAsync("managed", ContainerKind.Host, "charmonitor"),
            await StartAsync("managed-elsewhere", ContainerKind.Network, "charmonitor"),
        ];
        BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        _started.Add(daemon);
        await using Connection connection = await Connection.OpenAsync(daemon.Uri, cancellationToken: Token);
        foreach ((string name, Container qemu, _) in all)
        {
            MemoryStats sample = await (await connection.LookupByNameAsync(name, Token)).GetMemoryStatsAsync(cancellationToken: Token);
            Assert.Equal(name.StartsWith("found", StringComparison.Ordinal) ? (ulong)qemu.MemoryKib : null, sample.ActualKiB);
        }

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] lookers = [WatchAsync(connection, stop.Token), ListAsync(stop.Token)];
        Owner[] owners = await Task.WhenAll(all.Select((one, i) => Owner.StartAsync(one.Qemu.MonitorPath, Visits, one.Network, i + 1)));
        _started.AddRange(owners);
        List<string> late = [];
        for (int i = 0; i < all.Length; i++)
        {
            IReadOnlyList<double?> greetings = await owners[i].FinishAsync(TimeSpan.FromSeconds(Visits * (Owner.Patience + 1)), Token);
            if (greetings.Count != Visits || greetings.Any(greeting => greeting is null or > LongestMilliseconds))
                late.Add($"{all[i].Name}: {string.Join(' ', greetings.Select(greeting => greeting?.ToString("0", CultureInfo.InvariantCulture) ?? "none"))} ms");
        }

        Assert.Empty(late);
        Assert.DoesNotContain(lookers, task => task.IsCompleted);
        await stop.CancelAsync();
        await Task.WhenAll(lookers);
    }

    private static async Task WatchAsync(Connection connection, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (DomainMemorySample _ in connection.WatchMemoryStatsAsync(TimeSpan.FromMilliseconds(100), cancellationToken: cancellationToken))
                continue;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The owners are done.
        }
    }

    private static async Task ListAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            CommandResult list = await BallastProgram.RunAsync(Token, "-c", "qmp:///", "list", "--json");
            Assert.True(list.ExitCode == 0, list.Errors);
            await Task.Delay(TimeSpan.FromMilliseconds(20), Token); // Else it takes one of two processors for itself.
        }
    }

    private async Task<(string Name, Container Qemu, int? Network)> StartAsync(string name, ContainerKind kind, string? chardevId)
    {
        string directory = Directory.CreateDirectory(_directory.File(name)).FullName;
        Container qemu = await Container.StartAsync(
            new ContainerOptions { Kind = kind, DirectoryPath = directory, Name = name, ChardevId = chardevId }, Token);
        _started.Add(qemu);
        return (name, qemu, kind == ContainerKind.Network ? qemu.Pid : null);
    }
}
