namespace Ballast.Tests;

/// <summary>Sets of host CPUs.</summary>
public sealed class CpuSetTests
{
    [Theory]
    [InlineData(0, new int[0], "", new byte[0])]
    [InlineData(3, new int[0], "", new byte[] { 0 })]
    [InlineData(8, new[] { 0, 2, 4 }, "0,2,4", new byte[] { 0x15 })]
    [InlineData(9, new[] { 8, 7, 6, 0 }, "0,6-8", new byte[] { 0xc1, 0x01 })]
    public void It_is_read_in_every_way(int length, int[] cpus, string text, byte[] bitmap)
    {
        CpuSet set = new(length, cpus);
        Assert.Equal((length, cpus.Length, text), (set.Length, set.Count, set.ToString()));
        Assert.Equal(cpus.Order(), set);
        Assert.Equal(bitmap, set.ToBitmap());
        Assert.Equal(set, CpuSet.FromBitmap(bitmap, length));
        Assert.Equal(set.GetHashCode(), CpuSet.FromBitmap(bitmap, length).GetHashCode());
        Assert.All(Enumerable.Range(-1, length + 10), cpu => Assert.Equal(cpus.Contains(cpu), set.Contains(cpu)));
    }

    [Fact]
    public void Sets_of_other_lengths_or_cpus_differ()
    {
        CpuSet[] sets = [CpuSet.Empty, new(1, []), new(8, [1]), new(9, [1]), new(8, [2])];
        foreach (CpuSet one in sets)
            Assert.Equal([one], sets.Where(other => other.Equals(one)));
    }

    [Fact]
    public void Bits_beyond_the_length_do_not_count_and_missing_ones_are_zero()
    {
        Assert.Equal([0, 1], CpuSet.FromBitmap([0xff], 2));
        Assert.Equal([7], CpuSet.FromBitmap([0x80], 64));
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(4, 4)]
    [InlineData(4, -1)]
    public void A_cpu_outside_of_it_is_refused(int length, int cpu) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CpuSet(length, [cpu]));
}
