using System.Globalization;
using System.Text;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>Whoever may mount something writes what a process's mounts are called: however it does, to read them costs no more than their text.</summary>
public sealed class MountTableTests
{
    private const int LongestPath = 4096;

    // As the kernel writes them, and no others.
    private const string Escaped = " \t\n\\";

    [Theory]
    [InlineData(4_000, true)]
    [InlineData(LongestPath - 1, true)]
    [InlineData(LongestPath, false)]
    [InlineData(200_000, false)]
    public void A_mount_point_of_escapes_costs_no_more_than_its_name(int escapes, bool isPath)
    {
        StringBuilder text = new("1 0 0:7 / /");
        text.Insert(text.Length, @"\012", escapes).Append(" rw - tmpfs none rw");
        MountTable mounts = ParseWithin(1_000_000, text.ToString());
        Assert.Equal(isPath ? "tmpfs" : null, mounts.TypeAt("/" + new string('\n', escapes)));
        Assert.Equal(("tmpfs", 7u), (mounts.TypeOf(1), mounts.DeviceOf(1)));
    }

    [Theory]
    [InlineData(@"a\040b\011c\012d\134e", "a b\tc\nd\\e")]
    [InlineData(@"\134040", @"\040")]
    [InlineData(@"\134134", @"\134")]
    [InlineData(@"a\", @"a\")]
    [InlineData(@"a\0", @"a\0")]
    [InlineData(@"a\04", @"a\04")]
    [InlineData(@"a\09", @"a\09")]
    [InlineData(@"a\090b", @"a\090b")]
    [InlineData(@"a\777\400", @"a\777\400")]
    [InlineData(@"\\040", @"\ ")]
    [InlineData(@"ä\040€", "ä €")]
    public void A_name_is_what_the_kernel_wrote(string written, string name) =>
        Assert.Equal("xfs", MountTable.Parse($"1 0 8:1 / /{written} rw,relatime shared:1 master:2 - xfs /dev/sda1 rw\n", null).TypeAt("/" + name));

    [Fact]
    public void Every_name_comes_back()
    {
        Random random = new(1);
        const string letters = "a0134\u00e4\u20ac-,:=" + Escaped + Escaped;
        for (int i = 0; i < 2_000; i++)
        {
            string name = "/" + new string(random.GetItems(letters.AsSpan(), random.Next(1, 30)));
            MountTable mounts = MountTable.Parse($"1 0 8:1 / {Write(name)} rw - xfs /dev/sda1 rw\n2 1 0:2 / / rw - ext4 none rw", null);
            Assert.True(mounts.TypeAt(name) == "xfs", name);
            Assert.Equal("ext4", mounts.TypeAt("/"));
        }
    }

    [Theory]
    [InlineData("lowerdir=/lower\\040x/a", true)]
    [InlineData("lowerdir=/a\\054b:/lower\\040x/a", true)]
    [InlineData("lowerdir=/lower/x", false)]
    [InlineData("xino=off,lowerdir=/,upperdir=/lower\\040x//a/", true)]
    [InlineData("lowerdir", false)]
    [InlineData("lowerdir=", false)]
    public void Layers_are_found_by_their_names(string options, bool hangs) => Assert.Equal(
        hangs,
        MountTable.CanHang(MountTable.Parse($"1 0 0:1 / /lower\\040x rw - nfs4 a:/b rw\n2 0 0:2 / /o rw - overlay overlay rw,{options}", null).TypeAt("/o")!));

    [Fact]
    public void Deep_layers_cost_no_more_than_their_text()
    {
        string deep = string.Concat(Enumerable.Repeat("/a", (LongestPath / 2) - 1));
        string line = "2 0 0:2 / /o rw - overlay overlay rw,lowerdir=" + string.Join(':', Enumerable.Repeat(deep, 200));
        MountTable mounts = ParseWithin(100_000, line);
        Assert.Equal("overlay", mounts.TypeAt("/o"));
    }

    [Fact]
    public void An_overlay_whose_layers_are_too_much_to_look_up_is_not_entered()
    {
        // Mount points of every length, and layers that each could lie in all of them.
        StringBuilder text = new();
        for (int depth = 1; depth < LongestPath / 2; depth += 2)
            text.Append(CultureInfo.InvariantCulture, $"{depth} 0 0:1 / ").Insert(text.Length, "/b", depth).Append(" rw - tmpfs none rw\n");
        string deep = string.Concat(Enumerable.Repeat("/a", (LongestPath / 2) - 1));
        text.Append("9000 0 0:2 / /o rw - overlay overlay rw,lowerdir=").AppendJoin(':', Enumerable.Repeat(deep, 200)).Append(",upperdir=/u\n");
        text.Append("9001 0 0:3 / /p rw - overlay overlay rw,lowerdir=/u\n");
        MountTable mounts = MountTable.Parse(text.ToString(), null);
        Assert.Equal("unknown file system below an overlay", mounts.TypeAt("/o"));
        Assert.All(["/o", "/p"], path => Assert.True(MountTable.CanHang(mounts.TypeAt(path)!)));
    }

    private static MountTable ParseWithin(long bytes, string text)
    {
        _ = MountTable.Parse("1 0 0:1 / / rw - tmpfs none rw", null);
        long before = GC.GetAllocatedBytesForCurrentThread();
        MountTable mounts = MountTable.Parse(text, null);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, bytes);
        return mounts;
    }

    private static string Write(string name) =>
        string.Concat(name.Select(c => Escaped.Contains(c, StringComparison.Ordinal) ? "\\" + Convert.ToString(c, 8).PadLeft(3, '0') : c.ToString()));
}
