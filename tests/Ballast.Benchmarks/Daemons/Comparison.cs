namespace Ballast.Benchmarks.Daemons;

/// <summary>Measures the same on both daemons, in turn: first over libvirt's own C library, then with our client.</summary>
internal static class Comparison
{
    public static readonly ClientKind[] Kinds = [ClientKind.CLibrary, ClientKind.Ours];

    /// <param name="report">Where it is shown.</param>
    /// <param name="pair">The daemons.</param>
    /// <param name="what">What is measured.</param>
    /// <param name="goal">What is wanted over the C library; with our client nothing is.</param>
    /// <param name="rounds">How many rounds count.</param>
    /// <param name="clients">How many clients of each daemon <paramref name="measure"/> gets.</param>
    /// <param name="measure">One round.</param>
    public static async Task RunAsync(
        Report report, DaemonPair pair, string what, Goal goal, int rounds, int clients, Func<IDaemonClient[], Task<double>> measure)
    {
        foreach (ClientKind kind in Kinds)
        {
            IDaemonClient[] theirs = await pair.Libvirtd.OpenManyAsync(kind, clients), ours = await pair.Ours.OpenManyAsync(kind, clients);
            Samples[] sides = await Rounds.RunAsync(
                rounds,
                (pair.Libvirtd.Name, () => measure(theirs)),
                (pair.Ours.Name, () => measure(ours)));
            report.Table($"{what}, {NameOf(kind)}", goal.Unit, sides);
            if (kind == ClientKind.CLibrary)
                report.Note(goal.Judge(sides[1].RatioTo(sides[0]).Median));
            foreach (IDaemonClient client in (IDaemonClient[])[.. theirs, .. ours])
                await client.DisposeAsync();
        }
    }

    public static string NameOf(ClientKind kind) => kind == ClientKind.CLibrary ? "libvirt's C library" : "our client";
}

/// <summary>What is wanted of ballastd, beside libvirtd.</summary>
/// <param name="Unit">A unit of time, of which less is better, or of calls in a time, of which more is.</param>
/// <param name="Least">How many times better it must be.</param>
internal sealed record Goal(string Unit, double Least)
{
    public string Judge(double ratio)
    {
        bool isRate = Unit.EndsWith("/s", StringComparison.Ordinal);
        double times = isRate ? ratio : 1 / ratio;
        string what = isRate ? "times the calls" : "times faster";
        return Report.Text($"ballastd: {times:0.00} {what}; wanted: {Least:0.0}{(times >= Least ? "." : ", so it falls short.")}");
    }
}
