using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>What the command line says of the block nodes that a disk uses.</summary>
/// <param name="Top">The first that treats the data: the format, or the storage itself where nothing lies upon it. Null: unknown.</param>
/// <param name="Storage">Where the data is. Null: unknown.</param>
internal sealed record DiskNode(OptionMembers? Top, OptionMembers? Storage)
{
    public const string Raw = "raw";

    // A chain is as long as somebody wrote it, and a broken one a circle.
    private const int MaxDepth = 8;

    // libvirt's formats that QEMU calls by the same names.
    private static readonly HashSet<string> Formats = ["bochs", "cloop", "dmg", "qcow", "qcow2", "qed", Raw, "vdi", "vmdk", "vpc"];

    // Formats that libvirt has no word of its own for.
    private static readonly HashSet<string> OtherFormats = ["parallels", "vhdx"];

    // What only passes the data on.
    private static readonly HashSet<string> Filters =
        ["blkdebug", "blklogwrites", "blkreplay", "compress", "copy-before-write", "copy-on-read", "preallocate", "throttle"];

    public static DiskNode Of(MachineOptions? options, string? name)
    {
        OptionMembers? node = Find(name);
        for (int i = 0; i < MaxDepth && node?["driver"] is { } driver && Filters.Contains(driver) && Find(node["file"]) is { } below; i++)
            node = below;
        return new DiskNode(node, Find(node?["file"]) ?? node);

        OptionMembers? Find(string? of) => of is null ? null : options?.BlockNodes.GetValueOrDefault(of);
    }

    /// <summary>libvirt's name of a disk's format. Storage without one (a file, a host's device, another host's export) is raw.</summary>
    /// <param name="driver">The driver of the disk's uppermost node.</param>
    /// <returns>Null where libvirt has no name for it, or nobody knows.</returns>
    public string? Format(string driver)
    {
        string? actual = Filters.Contains(driver) ? Top?["driver"] : driver;
        return actual is null || OtherFormats.Contains(actual) || Filters.Contains(actual) ? null : Formats.Contains(actual) ? actual : Raw;
    }
}
