namespace Ballast.Cli.Memory;

/// <summary>Sums over the guests whose numbers are current and consistent.</summary>
internal sealed class MemoryTotal
{
    private readonly IReadOnlyList<MemoryLine> _all;
    private readonly List<MemoryLine> _summed;

    public MemoryTotal(IReadOnlyList<MemoryLine> lines)
    {
        _all = lines;
        _summed = [.. lines.Where(line => line.IsSummed)];
    }

    public int Guests => _all.Count;

    public int Summed => _summed.Count;

    public IEnumerable<MemoryLine> NotSummed => _all.Where(line => !line.IsSummed);

    public ulong UsedKiB => Sum(line => line.Stats.Used?.KiB);

    public ulong AvailableKiB => Sum(line => line.AvailableKiB);

    public ulong BalloonKiB => Sum(line => line.Stats.ActualKiB);

    public ulong MaximumKiB => Sum(line => line.MaximumKiB);

    public ulong ResidentKiB => Sum(line => line.Stats.RssKiB);

    public ulong ReclaimableKiB => Sum(line => line.ReclaimableKiB);

    private ulong Sum(Func<MemoryLine, ulong?> value)
    {
        ulong sum = 0;
        foreach (MemoryLine line in _summed)
        {
            // Of numbers that guests make up too.
            ulong more = value(line) ?? 0;
            sum = ulong.MaxValue - sum < more ? ulong.MaxValue : sum + more;
        }

        return sum;
    }
}
