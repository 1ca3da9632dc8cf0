namespace Ballast;

/// <summary>The statistics that this version names. Answers may contain others, which have only a number.</summary>
public static class MemoryStatTags
{
    /// <summary>libvirt's statistics, in the order of their numbers.</summary>
    public static IReadOnlyList<MemoryStatTag> Libvirt { get; } = Select(isExtended: false);

    /// <summary>Ballast's own statistics, in the order of their numbers. Only <see cref="MemoryStatsOptions.Extended"/> requests them.</summary>
    public static IReadOnlyList<MemoryStatTag> Extended { get; } = Select(isExtended: true);

    private static MemoryStatTag[] Select(bool isExtended)
    {
        List<MemoryStatTag> tags = [];
        foreach (MemoryStatRow row in MemoryStatTable.Rows)
        {
            if (row.IsExtended == isExtended)
                tags.Add(row.Tag);
        }

        return [.. tags.Order()];
    }
}
