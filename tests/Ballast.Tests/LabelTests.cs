namespace Ballast.Tests;

/// <summary>The words for what a sample says.</summary>
public sealed class LabelTests
{
    [Fact]
    public void Each_has_words_of_its_own()
    {
        AssertDistinct(Enum.GetValues<Freshness>().Select(one => one.Label()));
        AssertDistinct(Enum.GetValues<UsedMemoryFormula>().Select(one => one.Label()));
        AssertDistinct(Enum.GetValues<MemoryStatsReason>().Select(one => one.Label()));
        AssertDistinct(Enum.GetValues<MemoryStatTag>().Select(one => one.Label()));
        AssertDistinct(Enum.GetValues<MemoryStatsInconsistency>().Where(one => one != MemoryStatsInconsistency.None).Select(one => one.Label()));
        Assert.Equal("never reported", Freshness.NeverReported.Label());
        Assert.Equal("available - unused - disk_caches", UsedMemoryFormula.AvailableMinusUnusedMinusDiskCaches.Label());
    }

    [Fact]
    public void What_this_version_does_not_know_is_its_number()
    {
        Assert.Equal("99", ((Freshness)99).Label());
        Assert.Equal("-7", ((UsedMemoryFormula)(-7)).Label());
        Assert.Equal("65536", ((MemoryStatsInconsistency)65536).Label());
        Assert.Equal("2147483648", ((MemoryStatsInconsistency)int.MinValue).Label());
    }

    [Theory]
    [InlineData(MemoryStatsInconsistency.None, "")]
    [InlineData(MemoryStatsInconsistency.UsableAboveAvailable | MemoryStatsInconsistency.LastUpdateInFuture, "usable above available, last_update in the future")]
    [InlineData((MemoryStatsInconsistency)(4 | 65536), "unused above available, 65536")]
    [InlineData((MemoryStatsInconsistency)(int.MinValue | 1), "available above maximum, 2147483648")]
    public void Several_inconsistencies_are_parted_by_commas(MemoryStatsInconsistency found, string expected) => Assert.Equal(expected, found.Label());

    private static void AssertDistinct(IEnumerable<string> labels)
    {
        string[] all = [.. labels];
        Assert.All(all, Assert.NotEmpty);
        Assert.Equal(all.Distinct(), all);
    }
}
