using System.Text;
using Ballast.Drivers.Qemu.Qmp;
using CsCheck;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class GuestStatsTests
{
    private static readonly string[] Names =
    [
        "swap-in", "swap-out", "major-faults", "minor-faults", "free-memory", "total-memory", "available-memory", "disk-caches",
        "htlb-pgalloc", "htlb-pgfail", "oom-kills", "alloc-stalls", "async-scans", "direct-scans", "async-reclaims", "direct-reclaims",
    ];

    [Fact]
    public void Every_name_has_its_tag()
    {
        for (int tag = 0; tag < Names.Length; tag++)
        {
            GuestStats stats = Parse($$"""{"stats": {"stat-{{Names[tag]}}": 4711}, "last-update": 3}""");
            for (int other = 0; other < MemoryStatTable.MaxVirtioTags; other++)
            {
                Assert.Equal(other == tag, stats.TryGet(other, out ulong value));
                Assert.Equal(other == tag ? 4711ul : 0, value);
                Assert.False(stats.IsRejected(other));
            }

            Assert.Equal(3ul, stats.LastUpdate);
            Assert.False(stats.IsEmpty);
        }
    }

    [Fact]
    public void Whatever_numbers_a_guest_reports_they_are_present_absent_or_rejected()
    {
        Gen<ulong> number = Gen.OneOf(Gen.ULong, Gen.Const(ulong.MaxValue), Gen.Const(1ul << 63), Gen.Const((1ul << 63) - 1), Gen.Const(0ul));
        number.Array[Names.Length].Sample(values =>
        {
            string members = string.Join(",", values.Select((value, tag) => $"\"stat-{Names[tag]}\":{value}"));
            GuestStats stats = Parse($$"""{"last-update":1,"stats":{ {{members}} } }""");
            for (int tag = 0; tag < Names.Length; tag++)
            {
                bool isCount = tag is 2 or 3 or 8 or 9 or 10 or 11;
                bool isPossible = values[tag] < 1ul << 63 || (isCount && values[tag] != ulong.MaxValue);
                Assert.Equal(isPossible, stats.TryGet(tag, out ulong value));
                Assert.Equal(isPossible ? values[tag] : 0, value);
                Assert.Equal(!isPossible && values[tag] != ulong.MaxValue, stats.IsRejected(tag));
            }
        }, iter: 500);
    }

    [Theory]
    [InlineData("""{"stats": {}}""", null)]
    [InlineData("""{"stats": {}, "last-update": 0}""", 0ul)]
    [InlineData("""{"stats": {}, "last-update": 18446744073709551614}""", 18446744073709551614ul)]
    [InlineData("""{"stats": {}, "last-update": 18446744073709551615}""", null)]
    [InlineData("""{"stats": {}, "last-update": null}""", null)]
    [InlineData("""{"stats": {}, "last-update": {"seconds": 5}}""", null)]
    [InlineData("""{"last-update": 5}""", null)]
    [InlineData("""{"last-update": 5, "stats": []}""", null)]
    [InlineData("""{"other": [{"stats": {}}], "stats": {}, "last-update": 7}""", 7ul)]
    public void The_last_update_is_a_number_or_nothing(string json, ulong? lastUpdate)
    {
        GuestStats stats = Parse(json);

        Assert.Equal(lastUpdate, stats.LastUpdate);
        Assert.True(stats.IsEmpty);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("null")]
    [InlineData("\"stats\"")]
    [InlineData("""{"actual": 5}""")]
    public void What_is_no_report_is_refused(string json) =>
        Assert.Throws<InvalidDataException>(() => { _ = Parse(json); });

    private static GuestStats Parse(string json) => GuestStats.Parse(Encoding.UTF8.GetBytes(json));
}
