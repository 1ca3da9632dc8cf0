using System.Globalization;

namespace Ballast.Drivers.Host;

internal sealed partial class HostNode
{
    private const string HugePagesPrefix = "hugepages-", HugePagesSuffix = "kB";

    /// <summary>The sizes of the host's pages, in KiB, smallest first.</summary>
    public IReadOnlyList<uint> PageSizes()
    {
        try
        {
            return
            [
                SystemPageKiB,
                .. Directory.EnumerateDirectories(Path.Combine(root, "sys/kernel/mm/hugepages"), HugePagesPrefix + "*" + HugePagesSuffix)
                    .Select(path => (uint)Number(Path.GetFileName(path)[HugePagesPrefix.Length..^HugePagesSuffix.Length])).Where(size => size > 0).Order(),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [SystemPageKiB];
        }
    }

    /// <summary>How many pages of a size, in KiB, a cell has: of the kernel's own size as many as huge ones leave.</summary>
    public ulong Pages(int cell, uint size)
    {
        if (size != SystemPageKiB)
            return HugePages(cell, size, "nr_hugepages") ?? 0;
        ulong all = CellMemory(cell, "MemTotal");
        ulong huge = PageSizes().Where(other => other != SystemPageKiB).Aggregate(0UL, (sum, other) => sum + (Pages(cell, other) * other));
        return (all - Math.Min(all, huge)) / SystemPageKiB;
    }

    /// <summary>Free pages of each size, in KiB, of each cell from the first on; <see cref="AllOfNode"/>, the whole host, comes before cell 0.</summary>
    /// <exception cref="LibvirtException">There is no such cell, or no such size.</exception>
    public IReadOnlyList<ulong> FreePages(IReadOnlyList<uint> sizes, int first, int count)
    {
        int last = Cells().Max();
        if (first < AllOfNode || first > last)
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.None, $"start cell {first} out of range (0-{last})");
        return
        [
            .. Enumerable.Range(first, Math.Min(count, last - first + 1)).SelectMany(cell => sizes.Select(size => FreePages(cell, size))),
        ];
    }

    private ulong FreePages(int cell, uint size)
    {
        if (size == SystemPageKiB)
            return (cell == AllOfNode ? Memory("MemFree") : CellMemory(cell, "MemFree")) / SystemPageKiB;
        return HugePages(cell, size, "free_hugepages") ?? throw LibvirtError.Report(
            ErrorCode.OperationFailed, ErrorOrigin.None,
            $"page size {size} is not available" + (cell == AllOfNode ? "" : string.Create(CultureInfo.InvariantCulture, $" on node {cell}")));
    }

    private ulong? HugePages(int cell, uint size, string name)
    {
        string pages = string.Create(CultureInfo.InvariantCulture, $"hugepages/{HugePagesPrefix}{size}{HugePagesSuffix}/{name}");
        string[] ofCell = Lines(string.Create(CultureInfo.InvariantCulture, $"sys/devices/system/node/node{cell}/{pages}"));
        return (ofCell.Length > 0 ? ofCell : cell is 0 or AllOfNode ? Lines($"sys/kernel/mm/{pages}") : []) is [var line, ..] ? Number(line) : null;
    }
}
