using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>
/// Owners of monitors that come and go, beside all of ours that looks at the host's QEMUs: how long they wait for their
/// greetings. It looks at all QEMUs of the host, so run it in a namespace of process ids where there are others.
/// </summary>
internal static class OwnerBenchmark
{
    private const int Visits = 1000;
    private const double MostAtNinetyNine = 100, Most = 500;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(30), BetweenLists = TimeSpan.FromMilliseconds(20);

    private static readonly (string Name, ContainerKind Kind, string? ChardevId)[] Kinds =
    [
        ("found", ContainerKind.Host, null),
        ("found, in another network namespace", ContainerKind.Network, null),
        ("libvirt's (chardev `charmonitor`)", ContainerKind.Host, "charmonitor"),
        ("libvirt's, in another network namespace", ContainerKind.Network, "charmonitor"),
    ];

    public static async Task RunAsync(Report report)
    {
        report.Section(
            "owner",
            Report.Text($"Real QEMUs whose owners connect {Visits} times each, stay for 5 to 50 ms and are away for 10 to 200 ms: from connect to the greeting, ms"));
        if (!Environment.IsPrivilegedProcess || Environment.GetEnvironmentVariable("BALLAST_DAEMON") is not { Length: > 0 } ballastd)
        {
            report.Note("Network namespaces need root, and BALLAST_DAEMON must name the native ballastd (./build): left out.");
            return;
        }

        using PrivateDirectory directory = new();
        List<Container> qemus = [];
        try
        {
            for (int i = 0; i < Kinds.Length; i++)
            {
                qemus.Add(await Container.StartAsync(new ContainerOptions
                {
                    Kind = Kinds[i].Kind,
                    ChardevId = Kinds[i].ChardevId,
                    Name = Name(i),
                    DirectoryPath = Directory.CreateDirectory(directory.File(Report.Text($"{i}"))).FullName,
                }));
            }

            await VisitAsync(report, "nobody else looks", qemus);
            await using ChildProcess daemon = await StartDaemonAsync(ballastd, directory);
            await using Connection connection = await Connection.OpenAsync($"qemu+unix:///system?socket={directory.File("sock")}");
            using CancellationTokenSource stop = new();
            Dictionary<string, int> numbers = [];
            Task[] lookers = [WatchAsync(connection, numbers, stop.Token), ListAsync(stop.Token)];
            await VisitAsync(report, "beside ballastd, a watch of 100 ms and a loop of `ballast -c qmp:/// list`", qemus);
            await stop.CancelAsync();
            await Task.WhenAll(lookers);

            // Who never looks disturbs nobody.
            string got = string.Join(", ", Kinds.Select((kind, i) => Report.Text($"{kind.Name}: {numbers.GetValueOrDefault(Name(i))}")));
            report.Note($"How often the watch got numbers meanwhile: {got}.");
        }
        finally
        {
            foreach (Container qemu in qemus)
                await qemu.DisposeAsync();
        }
    }

    private static string Name(int qemu) => Report.Text($"owned{qemu}");

    private static async Task VisitAsync(Report report, string beside, List<Container> qemus)
    {
        Owner[] owners = await Task.WhenAll(qemus.Select(
            (qemu, i) => Owner.StartAsync(qemu.MonitorPath, Visits, Kinds[i].Kind == ContainerKind.Network ? qemu.Pid : null, i + 1)));
        try
        {
            IReadOnlyList<double?>[] all = await Task.WhenAll(owners.Select(owner => owner.FinishAsync(Longest)));
            report.Rows(
                $"{beside} | visits | without a greeting | median | 99th percentile | longest | wanted",
                [.. all.Select((greetings, i) => Row(Kinds[i].Name, greetings))]);
        }
        finally
        {
            foreach (Owner owner in owners)
                await owner.DisposeAsync();
        }
    }

    // One that gets no greeting gives up after a few visits: what it has then is no distribution.
    private static string Row(string name, IReadOnlyList<double?> greetings)
    {
        double[] sorted = [.. greetings.OfType<double>().Order()];
        int missing = greetings.Count - sorted.Length;
        if (sorted.Length == 0)
            return Report.Text($"{name} | {greetings.Count} | {missing} | – | – | – | falls short");
        double ninetyNine = sorted[Math.Min(sorted.Length - 1, sorted.Length * 99 / 100)];
        bool isKept = missing == 0 && greetings.Count == Visits && ninetyNine <= MostAtNinetyNine && sorted[^1] <= Most;
        return Report.Text($"{name} | {greetings.Count} | {missing} | ")
            + $"{Report.Number(Samples.MedianOf(sorted))} | {Report.Number(ninetyNine)} | {Report.Number(sorted[^1])} | "
            + (isKept ? Report.Text($"kept ({MostAtNinetyNine} and {Most})") : "falls short");
    }

    private static async Task<ChildProcess> StartDaemonAsync(string ballastd, PrivateDirectory directory)
    {
        ChildProcess daemon = await ChildProcess.StartAsync(ballastd, ["--config", "/dev/null", "--socket", directory.File("sock")]);
        await Deadline.UntilAsync(
            Deadline.Default, "ballastd",
            _ => Task.FromResult(daemon.Errors.Contains("listens on", StringComparison.Ordinal)), CancellationToken.None);
        return daemon;
    }

    private static async Task WatchAsync(Connection connection, Dictionary<string, int> numbers, CancellationToken stop)
    {
        try
        {
            await foreach (DomainMemorySample sample in connection.WatchMemoryStatsAsync(TimeSpan.FromMilliseconds(100), cancellationToken: stop))
            {
                if (sample.Stats.ActualKiB is not null)
                    numbers[sample.Domain.Name] = numbers.GetValueOrDefault(sample.Domain.Name) + 1;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The owners are done.
        }
    }

    private static async Task ListAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            CommandResult list = await ChildProcess.RunAsync(Tools.Ballast(), ["-c", "qmp:///", "list", "--json"], cancellationToken: CancellationToken.None);
            if (list.ExitCode != 0)
                throw new InvalidOperationException($"ballast list: {list.Errors}");
            await Task.Delay(BetweenLists, CancellationToken.None);
        }
    }
}
