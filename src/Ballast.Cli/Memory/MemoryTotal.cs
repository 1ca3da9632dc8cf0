namespace Ballast.Cli.Memory;

/// <summary>One sum over guests.</summary>
/// <param name="KiB">In KiB; null where no guest has the number.</param>
/// <param name="Missing">How many of the guests have not, and so are not in it.</param>
internal readonly record struct MemorySum(ulong? KiB, int Missing);

/// <summary>Sums over the guests whose numbers are current and consistent.</summary>
internal sealed class MemoryTotal
{
    private readonly IReadOnlyList<MemoryLine> _all;
    private readonly List<MemoryLine> _summed;

    /// <param name="lines">The guests that are listed.</param>
    /// <param name="unjudged">Guests that are not listed because their numbers do not show whether they are short of memory.</param>
    public MemoryTotal(IReadOnlyList<MemoryLine> lines, IReadOnlyList<MemoryLine>? unjudged = null)
    {
        _all = lines;
        _summed = [.. lines.Where(line => line.IsSummed)];
        Unjudged = unjudged ?? [];
    }

    public int Guests => _all.Count;

    public int Summed => _summed.Count;

    public IEnumerable<MemoryLine> NotSummed => _all.Where(line => !line.IsSummed);

    public IReadOnlyList<MemoryLine> Unjudged { get; }

    public MemorySum Used => Sum(line => line.Stats.Used?.KiB);

    public MemorySum Available => Sum(line => line.AvailableKiB);

    public MemorySum Balloon => Sum(line => line.Stats.ActualKiB);

    public MemorySum Maximum => Sum(line => line.MaximumKiB);

    public MemorySum Resident => Sum(line => line.Stats.RssKiB);

    public MemorySum Reclaimable => Sum(line => line.ReclaimableKiB);

    private MemorySum Sum(Func<MemoryLine, ulong?> value)
    {
        ulong sum = 0;
        int missing = 0;
        foreach (MemoryLine line in _summed)
        {
            // Guests may make their numbers up.
            if (value(line) is { } more)
                sum = ulong.MaxValue - sum < more ? ulong.MaxValue : sum + more;
            else
                missing++;
        }

        return new MemorySum(missing < _summed.Count ? sum : null, missing);
    }
}
