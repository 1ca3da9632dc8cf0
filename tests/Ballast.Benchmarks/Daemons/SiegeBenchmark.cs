using Ballast.Guests;

namespace Ballast.Benchmarks.Daemons;

/// <summary>
/// ballastd under attack, beside the same attackers against a program that only throws away what it is sent: so what the
/// attackers cost the machine is not counted.
/// </summary>
internal static class SiegeBenchmark
{
    private const int Healthy = 50, Stoppable = 5, RoundCount = 3, Each = 3, Garbage = 5, Clients = 4000, ConnectsASecond = 100, IdleClients = 20;
    private const double MostMedian = 1.2, MostNinetyNine = 3, MostTerminate = 1, MostCalmTerminate = 0.5;

    private static readonly TimeSpan
        PhaseTime = TimeSpan.FromSeconds(3), LongPhaseTime = TimeSpan.FromSeconds(8), LeadTime = TimeSpan.FromSeconds(1), RecoveryTime = TimeSpan.FromSeconds(10), Longest = TimeSpan.FromMinutes(2);

    // To count thousands of descriptors takes some ten milliseconds, of which the reference has none.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    private static readonly SiegeAttack[] Attacks =
    [
        .. SiegeAttack.Floods.Select(flood => new SiegeAttack($"{Each} monitors flood: {flood}", [(flood, Each)], [])),
        new($"{Stoppable} QEMUs stopped", [], [], Stoppable),
        new($"{Garbage} monitors send garbage", [("garbage", Garbage)], []),
        new("one user's clients: watches", [], [("watches", Clients)]),
        new("one user's clients: pipelines", [], [("pipelines", Clients)]),
        new("one user's clients: half messages", [], [("halves", Clients)]),
        new($"one user: {ConnectsASecond} connects a second", [], [("connects", ConnectsASecond)]),
    ];

    // All together, one user has so many clients in all.
    private static readonly SiegeAttack Everything = SiegeAttack.Together("all together",
    [
        .. Attacks.Where(attack => attack.Readers is not [(_, Clients)]),
        new("", [], [("watches", Clients / 3), ("pipelines", Clients / 3), ("halves", Clients / 3)]),
    ]);

    public static async Task RunAsync(Report report)
    {
        report.Section(
            "daemon:siege",
            Report.Text($"Memory statistics of {Healthy} healthy domains, asked by one privileged client over libvirt's C library, while others attack"));
        if (Environment.GetEnvironmentVariable("BALLAST_DAEMON") is not { Length: > 0 } || !Environment.IsPrivilegedProcess)
        {
            report.Note("One user's clients need root, and BALLAST_DAEMON must name the native ballastd (./build): left out.");
            return;
        }

        report.Note(
            "The reference is the same ballastd without an attack, while the same attackers send to a program that discards everything. The"
            + " attackers and that program run at nice 19 on one processor. The goals: no call fails; list and bulk answers lack only the sick"
            + Report.Text($" domains; p50 stays within {MostMedian:0.0} times the reference and p99 within {MostNinetyNine:0} times; ballastd stops")
            + Report.Text($" within {MostTerminate:0} s of SIGTERM; memory and descriptors return within {RecoveryTime.TotalSeconds:0} s, while the client keeps calling."));
        using SiegePrograms programs = await SiegePrograms.BuildAsync(withCaller: true);
        await using GuestCrowd crowd = await GuestCrowd.StartAsync(Healthy + Stoppable);
        string? only = Environment.GetEnvironmentVariable("BALLAST_SIEGE");
        List<(SiegeAttack Attack, SiegeResult Result)> results = [];
        foreach (SiegeAttack attack in Attacks.Append(Everything).Where(attack => only is null || attack.Name.Contains(only, StringComparison.Ordinal)))
        {
            results.Add((attack, await BesiegeAsync(programs, crowd, attack)));
            Console.Error.WriteLine($"{CallsRow(attack, results[^1].Result)}\n{DaemonRow(attack, results[^1].Result)}");
        }

        report.Rows(
            "attack | calls | errors | p50, ms: reference | siege | ratio | p99, ms: reference | siege | ratio | longest, ms: reference | siege | wanted",
            [.. results.Select(result => CallsRow(result.Attack, result.Result))]);
        report.Rows(
            "attack | lists: longest, ms | incomplete | bulk: longest, ms | incomplete | resident MiB: before | most | after | descriptors: before | most | after | SIGTERM, s | wanted",
            [.. results.Select(result => DaemonRow(result.Attack, result.Result))]);
        double calm = await TerminateCalmAsync(crowd);
        report.Note(Report.Text($"No attack: {Healthy} guests, one more stopped, {IdleClients} clients and a watch. ")
            + Report.Text($"SIGTERM is obeyed within {calm:0.00} s; wanted: {MostCalmTerminate:0.0} s{(calm <= MostCalmTerminate ? "." : ", so it falls short.")}"));
    }

    private static async Task<SiegeResult> BesiegeAsync(SiegePrograms programs, GuestCrowd crowd, SiegeAttack attack)
    {
        // Where QEMUs are silent, an answer about all takes a monitor's deadline: the client shall come to other calls too.
        TimeSpan phase = attack.Stopped > 0 ? LongPhaseTime : PhaseTime;
        await using SiegedDaemon daemon = await SiegedDaemon.StartAsync(crowd.DirectoryPath);
        SiegeResult result = new();

        // What a daemon takes when it has worked for a while is no growth.
        _ = await CallAsync(programs, daemon, phase);
        result.Before = daemon.Look();
        for (int round = 0; round < RoundCount; round++)
        {
            using (PrivateDirectory elsewhere = new())
            {
                PrivateDirectory.ToEverybody(elsewhere.Path);
                string monitors = Directory.CreateDirectory(elsewhere.File("monitors")).FullName, socket = elsewhere.File("sock");
                await using ChildProcess discard = await ChildProcess.StartAsync(
                    programs.Discard, [Report.Text($"{Longest.TotalSeconds:0}"), monitors, socket]);
                await Deadline.UntilAsync(Deadline.Default, socket, _ => Task.FromResult(File.Exists(socket)), CancellationToken.None);
                await using (await attack.StartAsync(programs, monitors, socket, Longest))
                {
                    await Task.Delay(LeadTime);
                    result.Reference.Add(await CallAsync(programs, daemon, phase));
                }

                if (discard.HasExited)
                    throw new InvalidOperationException($"discard ended: {discard.Errors}");
            }

            await using (await AttackAsync(programs, crowd, attack, daemon))
            {
                await Task.Delay(LeadTime);
                Task<CallerTimes> calling = CallAsync(programs, daemon, phase);
                while (await Task.WhenAny(calling, Task.Delay(LookInterval)) != calling)
                    result.Most = result.Most.Or(daemon.Look());
                result.Siege.Add(await calling);
            }

            // Once is enough.
            if (round < RoundCount - 1)
                continue;
            Task<CallerTimes> after = CallAsync(programs, daemon, RecoveryTime);
            await Task.Delay(RecoveryTime);
            result.After = daemon.Look();
            result.AfterErrors.AddRange((await after).Errors);
        }

        await using (await AttackAsync(programs, crowd, attack, daemon))
        {
            await Task.Delay(LeadTime);
            result.Terminate = await daemon.TerminateAsync();
        }

        foreach (string error in result.Siege.Concat(result.Reference).SelectMany(times => times.Errors).Concat(result.AfterErrors).Distinct().Take(5))
            Console.Error.WriteLine(error);
        return result;
    }

    private static async Task<IAsyncDisposable> AttackAsync(SiegePrograms programs, GuestCrowd crowd, SiegeAttack attack, SiegedDaemon daemon)
    {
        DrivenGuest[] stopped = [.. crowd.Guests.Skip(Healthy).Take(attack.Stopped)];
        foreach (DrivenGuest guest in stopped)
            await guest.Process.StopAsync();
        return new Standing(await attack.StartAsync(programs, crowd.DirectoryPath, daemon.ReadOnlySocketPath, Longest), stopped);
    }

    private static async Task<CallerTimes> CallAsync(SiegePrograms programs, SiegedDaemon daemon, TimeSpan time) =>
        CallerTimes.Read(await ChildProcess.RunAsync(
            programs.Caller, [Report.Text($"{time.TotalSeconds:0.0}"), daemon.Uri, Report.Text($"crowd-{Healthy:D3}"), Report.Text($"{Healthy}")],
            deadline: Longest));

    private static async Task<double> TerminateCalmAsync(GuestCrowd crowd)
    {
        await using SiegedDaemon daemon = await SiegedDaemon.StartAsync(crowd.DirectoryPath);
        DrivenGuest stopped = crowd.Guests[Healthy];
        List<Connection> clients = [];
        try
        {
            for (int i = 0; i < IdleClients; i++)
            {
                clients.Add(await Connection.OpenAsync(daemon.Uri));
                _ = await clients[i].ListDomainsAsync();
            }

            await stopped.Process.StopAsync();
            Task watching = WatchAsync(clients[0]);
            await Task.Delay(LeadTime);
            double took = await daemon.TerminateAsync();
            await watching;
            return took;
        }
        finally
        {
            stopped.Process.Continue();
            foreach (Connection client in clients)
                await client.DisposeAsync();
        }
    }

    private static async Task WatchAsync(Connection connection)
    {
        try
        {
            await foreach (DomainMemorySample _ in connection.WatchMemoryStatsAsync(TimeSpan.FromMilliseconds(100)))
            {
            }
        }
        catch (LibvirtException)
        {
            // The daemon is gone, as it shall be.
        }
    }

    private static string CallsRow(SiegeAttack attack, SiegeResult result)
    {
        double[] reference = result.ReferenceCalls, siege = result.SiegeCalls;
        (double median, double ninetyNine) = (At(siege, 0.5) / At(reference, 0.5), At(siege, 0.99) / At(reference, 0.99));
        int errors = result.Siege.Concat(result.Reference).Sum(times => times.Errors.Count) + result.AfterErrors.Count;
        bool isKept = errors == 0 && median <= MostMedian && ninetyNine <= MostNinetyNine;
        return Report.Text($"{attack.Name} | {siege.Length} | {errors} | ")
            + $"{Number(At(reference, 0.5))} | {Number(At(siege, 0.5))} | {Number(median)} | "
            + $"{Number(At(reference, 0.99))} | {Number(At(siege, 0.99))} | {Number(ninetyNine)} | "
            + $"{Number(At(reference, 1))} | {Number(At(siege, 1))} | {Kept(isKept)}";
    }

    private static string DaemonRow(SiegeAttack attack, SiegeResult result)
    {
        CallerAnswer[] lists = [.. result.Siege.SelectMany(times => times.Lists)], bulks = [.. result.Siege.SelectMany(times => times.Bulks)];
        int lessLists = lists.Count(list => list.Got != Healthy), lessBulks = bulks.Count(bulk => bulk.Got != Healthy);
        bool isKept = lessLists == 0 && lessBulks == 0 && result.Terminate <= MostTerminate && result.IsBack;
        return $"{attack.Name} | {Number(Longest(lists))} | {Of(lessLists, lists)} | {Number(Longest(bulks))} | {Of(lessBulks, bulks)} | "
            + Report.Text($"{result.Before.Mib} | {result.Most.Mib} | {result.After.Mib} | ")
            + Report.Text($"{result.Before.Descriptors} | {result.Most.Descriptors} | {result.After.Descriptors} | {result.Terminate:0.00} | {Kept(isKept)}");

        static double Longest(CallerAnswer[] answers) => answers.Select(answer => answer.Milliseconds).DefaultIfEmpty(double.NaN).Max();

        static string Of(int count, CallerAnswer[] answers) => Report.Text($"{count} of {answers.Length}");
    }

    private static string Kept(bool isKept) => isKept ? "kept" : "falls short";

    private static string Number(double value) => Report.Number(value);

    private static double At(double[] sorted, double share) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];

    private sealed class Standing(IAsyncDisposable attackers, DrivenGuest[] stopped) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (DrivenGuest guest in stopped)
                guest.Process.Continue();
            await attackers.DisposeAsync();
        }
    }
}
