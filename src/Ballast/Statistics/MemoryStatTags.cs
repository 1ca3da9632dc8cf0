namespace Ballast;

/// <summary>The statistics that this version names; answers may have others too, which are delivered with their number.</summary>
public static class MemoryStatTags
{
    /// <summary>libvirt's own, by their number.</summary>
    public static IReadOnlyList<MemoryStatTag> Libvirt { get; } = Select(isExtended: false);

    /// <summary>Ballast's own, by their number; only callers that ask for <see cref="MemoryStatsOptions.Extended"/> get them.</summary>
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
