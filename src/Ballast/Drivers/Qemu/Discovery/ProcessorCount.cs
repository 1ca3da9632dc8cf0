namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>How many virtual processors a QEMU starts with, by what <c>-smp</c> says.</summary>
internal static class ProcessorCount
{
    private const string Cpus = "cpus", MaxCpus = "maxcpus";

    private static readonly string[] Topology = ["drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads"];

    /// <summary>All that can be said.</summary>
    public static IEnumerable<string> Members => [Cpus, MaxCpus, .. Topology];

    /// <summary>
    /// As QEMU completes it: the number, else the most there can be, else what the topology multiplies to, where whatever is
    /// not said is one. QEMU takes no zero there; where it runs, it is absent.
    /// </summary>
    public static int Of(OptionMembers said)
    {
        if (Read(said[Cpus]) is { } cpus)
            return cpus;
        if (Read(said[MaxCpus]) is { } most)
            return most;
        long product = 1;
        foreach (string level in Topology)
            product = Math.Min(product * (Read(said[level]) ?? 1), int.MaxValue);
        return (int)product;
    }

    /// <summary>How sure that is.</summary>
    public static Certainty CertaintyOf(RepeatedOption said) =>
        Read(said[Cpus]) is not null ? said.CertaintyOf(Cpus) : Members.Min(said.CertaintyOf);

    private static int? Read(string? text) => OptionNumber.Parse(text) is > 0 and <= int.MaxValue and var number ? (int)number : null;
}
