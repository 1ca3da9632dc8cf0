using System.Text;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Statistics;

/// <summary>What must hold of every row, today's and the next one's.</summary>
public sealed class MemoryStatTableTests
{
    private static MemoryStatRow[] Rows => MemoryStatTable.Rows.ToArray();

    private static IEnumerable<MemoryStatRow> OfGuests => Rows.Where(row => row.Source == MemoryStatSource.Guest);

    [Fact]
    public void Every_named_tag_has_a_row_and_is_found()
    {
        Assert.Equal(Enum.GetValues<MemoryStatTag>(), Rows.Select(row => row.Tag).Order());
        Assert.All(Rows, row => Assert.Same(row, MemoryStatTable.Find(row.Tag)));
        Assert.Equal(Enum.GetValues<MemoryStatTag>(), MemoryStatTags.Libvirt.Concat(MemoryStatTags.Extended));
        Assert.Equal(Enumerable.Range(0, 13), MemoryStatTags.Libvirt.Select(tag => (int)tag));
    }

    [Fact]
    public void No_two_rows_share_a_name_or_a_number()
    {
        AllDiffer(Rows.Select(row => row.Tag));
        AllDiffer(Rows.Select(row => row.Label));
        AllDiffer(Rows.Select(row => row.BulkField).OfType<string>());
        AllDiffer(OfGuests.Select(row => row.VirtioTag));
        AllDiffer(OfGuests.Select(row => Convert.ToHexString(row.QmpName)));
    }

    [Fact]
    public void What_guests_report_has_a_tag_a_name_and_a_beginning_and_nothing_else_has()
    {
        Assert.All(Rows, row =>
        {
            bool isGuests = row.Source == MemoryStatSource.Guest;
            Assert.Equal(isGuests, row.VirtioTag is >= 0 and < MemoryStatTable.MaxVirtioTags);
            Assert.Equal(isGuests, row.QmpName.AsSpan().StartsWith("stat-"u8));
            Assert.Equal(isGuests, row.SinceLinux is not null && row.SinceQemu is not null);
        });
        Assert.All(OfGuests, row =>
        {
            Assert.Same(row, MemoryStatTable.FindVirtio(row.VirtioTag));
            Assert.Same(row, MemoryStatTable.FindQmp(row.QmpName));
        });
    }

    [Fact]
    public void What_has_no_row_is_not_found()
    {
        Assert.All(new[] { -1, 13, 31, 32, 64, 0x42000009, 0x42000010, 0x4200002A, int.MinValue, int.MaxValue }, tag => Assert.Null(MemoryStatTable.Find((MemoryStatTag)tag)));
        Assert.All(new[] { -1, 16, 31, 32, 64, ushort.MaxValue, int.MinValue, int.MaxValue }, tag => Assert.Null(MemoryStatTable.FindVirtio(tag)));
        Assert.Null(MemoryStatTable.FindQmp(""u8));
        Assert.Null(MemoryStatTable.FindQmp("stat-"u8));
        Assert.Null(MemoryStatTable.FindQmp("swap-in"u8));
        Assert.Null(MemoryStatTable.FindQmp("stat-swap-inn"u8));
    }

    [Fact]
    public void Ours_come_after_libvirts_and_have_no_field_of_libvirts()
    {
        Assert.Equal(Rows.OrderBy(row => row.IsExtended), Rows);
        Assert.All(Rows.Where(row => row.IsExtended), row => Assert.Null(row.BulkField));
    }

    [Fact]
    public void Every_tag_that_can_be_in_a_set_has_a_bit_of_its_own()
    {
        int[] tags = [.. Enumerable.Range(0, 32), .. Enumerable.Range((int)MemoryStatTag.OomKills, 32)];
        AllDiffer(tags.Select(tag => MemoryStatTagSet.Position((MemoryStatTag)tag)));
        Assert.All(tags, tag => Assert.InRange(MemoryStatTagSet.Position((MemoryStatTag)tag), 0, MemoryStatTagSet.Capacity - 1));
        Assert.All(new[] { -1, 32, 0x42000009, 0x4200002A, int.MinValue, int.MaxValue }, tag => Assert.Equal(-1, MemoryStatTagSet.Position((MemoryStatTag)tag)));

        // As all programs have them that speak our own program's first version.
        Assert.All(Enumerable.Range(0, 13), tag => Assert.Equal(tag, MemoryStatTagSet.Position((MemoryStatTag)tag)));
        Assert.All(Enumerable.Range(0, 6), number => Assert.Equal(16 + number, MemoryStatTagSet.Position(MemoryStatTag.OomKills + number)));
    }

    [Fact]
    public void Names_on_the_monitor_and_bulk_fields_stand_nowhere_else_in_the_sources()
    {
        string[] names = [.. OfGuests.Select(row => Encoding.UTF8.GetString(row.QmpName)), .. Rows.Select(row => row.BulkField).OfType<string>()];
        string[] sources = [.. Directory.EnumerateFiles(Path.Combine(NativeProgram.Root, "src"), "*.cs", SearchOption.AllDirectories)];
        Assert.Equal(
            ["MemoryStatTable.cs"],
            sources.Where(file => names.Any(name => File.ReadAllText(file).Contains($"\"{name}\"", StringComparison.Ordinal))).Select(Path.GetFileName));
    }

    [Fact]
    public void The_page_of_statistics_is_the_table()
    {
        string text = File.ReadAllText(Path.Combine(NativeProgram.Root, "docs/statistics.md"));
        Assert.Equal(Rows.Select(Line), text.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)));

        static string Line(MemoryStatRow row)
        {
            string tag = row.IsExtended ? $"0x{(int)row.Tag:x8}" : $"{(int)row.Tag}";
            string unit = row.Unit switch
            {
                MemoryStatUnit.UnixSeconds => "Unix seconds",
                MemoryStatUnit.Count => "count",
                _ => $"{row.Unit}",
            };
            string[] ofGuests = row.Source == MemoryStatSource.Guest
                ? [$"`{Encoding.UTF8.GetString(row.QmpName)}`", $"{row.SinceLinux}", $"{row.SinceQemu}"]
                : ["", "", ""];
            string[] cells = [$"`{row.Label}`", tag, unit, $"{row.Course}".ToLowerInvariant(), $"{row.Source}".ToLowerInvariant(), .. ofGuests];
            return $"| {string.Join(" | ", cells)} |".Replace("|  |", "| |", StringComparison.Ordinal).Replace("|  |", "| |", StringComparison.Ordinal);
        }
    }

    private static void AllDiffer<T>(IEnumerable<T> values)
    {
        T[] all = [.. values];
        Assert.NotEmpty(all);
        Assert.Equal(all.Length, all.Distinct().Count());
    }
}
