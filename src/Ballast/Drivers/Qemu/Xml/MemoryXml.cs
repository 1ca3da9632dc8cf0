using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>Where a guest's memory comes from, and what can be plugged.</summary>
internal static class MemoryXml
{
    private const string FileBackend = "memory-backend-file", MemfdBackend = "memory-backend-memfd";

    /// <summary>The most that it can grow to.</summary>
    public static void AddMaximum(XmlText xml, MachineOptions options)
    {
        ulong? most = OptionSize.KiB(options.Memory["maxmem"]) ?? OptionSize.KiB(options.Machine["memory.max-size"]);
        string? slots = OptionNumber.Decimal(options.Memory["slots"] ?? options.Machine["memory.slots"]);
        if (most is not null && slots is not null and not "0")
            xml.Element("maxMemory", Number(most), ("slots", slots), ("unit", "KiB"));
    }

    public static void AddBacking(XmlText xml, MachineOptions options)
    {
        OptionMembers[] backends = Backends(options);
        bool isMerged = options.Machine.Switch("mem-merge") != false, isLocked = options.Overcommit.Switch("mem-lock") == true;
        bool isHuge = backends.Any(IsHuge), isShared = backends.Length > 0 && Array.TrueForAll(backends, backend => backend.Switch("share") == true);
        bool isAllocated = backends.Length > 0 && Array.TrueForAll(backends, backend => backend.Switch("prealloc") == true);
        bool isDiscarded = backends.Any(backend => backend.Switch("discard-data") == true);
        string? source = backends.Length == 0 || isHuge ? null
            : Array.TrueForAll(backends, backend => backend["qom-type"] == MemfdBackend) ? "memfd"
            : Array.TrueForAll(backends, backend => backend["qom-type"] == FileBackend) ? "file" : null;
        if (isMerged && !isLocked && !isHuge && !isShared && !isAllocated && !isDiscarded && source is null)
            return;

        xml.Open("memoryBacking");
        if (isHuge)
            AddHugePages(xml, backends);
        if (!isMerged)
            xml.Element("nosharepages", null);
        if (isLocked)
            xml.Element("locked", null);
        if (source is not null)
            xml.Element("source", null, ("type", source));
        if (isShared)
            xml.Element("access", null, ("mode", "shared"));

        // libvirt allocates huge pages at the start, without being told.
        if (isAllocated && !isHuge)
            xml.Element("allocation", null, ("mode", "immediate"));
        if (isDiscarded)
            xml.Element("discard", null);
        xml.Close();
    }

    /// <summary>Which of the host's NUMA nodes the memory comes from.</summary>
    public static void AddNumaTune(XmlText xml, MachineOptions options)
    {
        (string Cell, string? Mode, string? Nodes)[] cells =
        [
            .. NumaCell.Of(options).Select(cell => (cell.Id, Policy(cell.Backend), Nodes(cell.Backend))),
        ];
        if (cells.Length == 0)
            cells = [.. Backends(options).Select(backend => ("0", Policy(backend), Nodes(backend)))];
        if (!cells.Any(cell => cell.Mode is not null && cell.Nodes is not null))
            return;

        xml.Open("numatune");
        if (cells.Select(cell => (cell.Mode, cell.Nodes)).Distinct().Count() == 1)
        {
            xml.Element("memory", null, ("mode", cells[0].Mode), ("nodeset", cells[0].Nodes));
        }
        else
        {
            foreach ((string cell, string? mode, string? nodes) in cells.Where(cell => cell.Mode is not null && cell.Nodes is not null))
                xml.Element("memnode", null, ("cellid", cell), ("mode", mode), ("nodeset", nodes));
        }

        xml.Close();
    }

    /// <summary>DIMMs, virtio-mem and their like.</summary>
    public static void AddDevice(XmlText xml, QemuXml guest, MachineMemory memory)
    {
        OptionMembers? backend = memory.Backend is { } path ? guest.Options?.Objects.GetValueOrDefault(path[(path.LastIndexOf('/') + 1)..]) : null;
        xml.Open("memory", ("model", memory.Kind),
            ("access", backend?.Switch("share") switch { true when memory.Kind != "virtio-pmem" => "shared", _ => null }),
            ("discard", backend?.Switch("discard-data") == true ? "yes" : null));
        if (memory.Kind is "nvdimm" or "virtio-pmem" && backend?["mem-path"] is { } file)
        {
            xml.Open("source");
            xml.Element("path", file);
            xml.Close();
        }

        xml.Open("target");
        xml.Element("size", Number((memory.MaxSize ?? memory.Size) / 1024), ("unit", "KiB"));
        if (memory.Node is { } node && memory.Kind != "virtio-pmem")
            xml.Element("node", Number(node));
        if (memory.BlockSize is { } block)
            xml.Element("block", Number(block / 1024), ("unit", "KiB"));
        if (memory.Requested is { } requested)
            xml.Element("requested", Number(requested / 1024), ("unit", "KiB"));
        if (memory.Requested is not null && !guest.IsInactive)
            xml.Element("current", Number(memory.Size / 1024), ("unit", "KiB"));
        xml.Close();
        if (memory.Alias is not null)
            guest.AddAlias(xml, memory.Alias);
        if (memory.Slot is not null)
            xml.Element("address", null, ("type", "dimm"), ("slot", Number(memory.Slot)), ("base", memory.Address is { } at ? Hexadecimal(at) : null));
        xml.Close();
    }

    // What each node's memory is made of, else the machine's; older options have no name for it.
    private static OptionMembers[] Backends(MachineOptions options)
    {
        IReadOnlyList<NumaCell> cells = NumaCell.Of(options);
        if (cells.Any(cell => cell.Backend is not null))
            return [.. cells.Select(cell => cell.Backend ?? new OptionMembers())];
        if (options.Machine["memory-backend"] is { } id && options.Objects.GetValueOrDefault(id) is { } backend)
            return [backend];
        if (options.MemoryPath is not { } path)
            return [];
        OptionMembers unnamed = new();
        unnamed.Set("qom-type", FileBackend);
        unnamed.Set("mem-path", path);
        unnamed.Set("prealloc", options.IsMemoryAllocated ? "on" : "off");
        return [unnamed];
    }

    private static bool IsHuge(OptionMembers backend) =>
        backend.Switch("hugetlb") == true || (backend["qom-type"] == FileBackend && backend["mem-path"] is { } path && HugePagesDirectory(path) is not null);

    // Where systemd mounts them, and libvirt's directories below.
    private static string? HugePagesDirectory(string path) => path.Split('/')
        .FirstOrDefault(part => part.StartsWith("hugepages", StringComparison.Ordinal) || part.StartsWith("hugetlbfs", StringComparison.Ordinal));

    private static void AddHugePages(XmlText xml, OptionMembers[] backends)
    {
        ulong?[] sizes = [.. backends.Select(backend => backend["hugetlbsize"] is { } size ? OptionSize.Parse(size, 1) / 1024 : null).Distinct()];
        if (sizes is not [{ } kib])
        {
            xml.Element("hugepages", null);
            return;
        }

        xml.Open("hugepages");
        xml.Element("page", null, ("size", Number(kib)), ("unit", "KiB"));
        xml.Close();
    }

    private static string? Policy(OptionMembers? backend) => backend?["policy"] switch
    {
        "bind" => "strict",
        "preferred" => "preferred",
        "interleave" => "interleave",
        _ => null,
    };

    private static string? Nodes(OptionMembers? backend)
    {
        const int maxNodes = 1024;
        if (backend is null)
            return null;
        if (backend["host-nodes"] is { } range)
            return NumberSet.Of([range]);
        return NumberSet.Of(Enumerable.Range(0, maxNodes)
            .Select(i => backend[string.Create(System.Globalization.CultureInfo.InvariantCulture, $"host-nodes.{i}")])
            .TakeWhile(node => node is not null).OfType<string>());
    }
}
