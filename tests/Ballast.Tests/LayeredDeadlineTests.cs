using System.Globalization;
using System.Text.RegularExpressions;
using Ballast.Drivers.Qemu;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Tests.Integration;

namespace Ballast.Tests;

/// <summary>Deadlines are layered, as the table in docs/architecture.md has them.</summary>
public sealed partial class LayeredDeadlineTests
{
    private static readonly Dictionary<string, TimeSpan> Values = new()
    {
        ["QemuInventory.ShortPatience"] = QemuInventory.ShortPatience,
        ["HostLook.Longest"] = HostLook.Longest,
        ["ConnectionOptions.Timeout"] = ConnectionOptions.Default.Timeout,
        ["QemuDriver.BulkExtra"] = QemuDriver.BulkExtra,
        ["ConnectionOptions.DaemonTimeout"] = ConnectionOptions.Default.DaemonTimeout,
    };

    [Fact]
    public void The_table_tells_what_is_so()
    {
        string text = File.ReadAllText(Path.Combine(NativeProgram.Root, "docs", "architecture.md"));
        Dictionary<string, TimeSpan> told = Row().Matches(text).ToDictionary(
            row => row.Groups[2].Value, row => TimeSpan.FromSeconds(double.Parse(row.Groups[1].ValueSpan, CultureInfo.InvariantCulture)));
        Assert.Equal(Values, told);
    }

    [Fact]
    public void Who_waits_waits_longer_than_what_is_behind()
    {
        ConnectionOptions options = ConnectionOptions.Default;
        Assert.True(QemuInventory.ShortPatience < options.Timeout);

        // A bulk answer comes within 2.5 seconds, also after the names of silent ones were waited for, of which none is asked twice.
        Assert.True(options.Timeout + QemuDriver.BulkExtra <= TimeSpan.FromSeconds(2.5));
        Assert.True(QemuInventory.ShortPatience + options.Timeout + QemuDriver.BulkExtra < options.DaemonTimeout / 5);
        Assert.True(HostLook.Longest + QemuInventory.ShortPatience + options.Timeout + QemuDriver.BulkExtra < options.DaemonTimeout / 2);
    }

    [GeneratedRegex(@"^\|[^|]+\| ([0-9.]+) \| `([A-Za-z]+\.[A-Za-z]+)`.*\|$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Row();
}
