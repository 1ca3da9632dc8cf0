using System.Globalization;
using System.Runtime.InteropServices;

namespace Ballast.Drivers.Host;

/// <summary>This host, from its kernel's files. A root other than / is for tests.</summary>
internal sealed partial class HostNode(string root = "/")
{
    // The kernel counts processor time in hundredths of a second, whatever its clock.
    private const ulong NanosecondsPerTick = 10_000_000;
    private const ulong BytesPerKiB = 1024;
    private static readonly uint SystemPageKiB = (uint)Environment.SystemPageSize / (uint)BytesPerKiB;

    // Connection.AllOfNode; the API is above the drivers.
    private const int AllOfNode = -1;

    public static string HostName => Environment.MachineName;

    /// <summary>The machine's name in uname(2)'s words.</summary>
    public static string Architecture => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "x86_64",
        System.Runtime.InteropServices.Architecture.X86 => "i686",
        System.Runtime.InteropServices.Architecture.Arm64 => "aarch64",
        System.Runtime.InteropServices.Architecture.S390x => "s390x",
        System.Runtime.InteropServices.Architecture.Ppc64le => "ppc64le",
        System.Runtime.InteropServices.Architecture.RiscV64 => "riscv64",
        var other => other.ToString().ToUpperInvariant(),
    };

    /// <summary>The numbers of the NUMA cells; one, 0, where the kernel knows none.</summary>
    public IReadOnlyList<int> Cells()
    {
        int[] cells = ReadList("sys/devices/system/node/online");
        return cells.Length > 0 ? cells : [0];
    }

    public NodeInfo Info()
    {
        int[] online = OnlineCpus();
        List<(int Package, int Core)> cores = [.. online.Select(cpu => (Topology(cpu, "physical_package_id"), Topology(cpu, "core_id")))];
        int sockets = cores.Select(core => core.Package).Distinct().Count();
        int coresPerSocket = cores.GroupBy(core => core.Package).Max(package => package.Distinct().Count());
        int threads = cores.GroupBy(core => core).Max(core => core.Count());
        int cells = Cells().Count;
        int socketsPerNode = Math.Max(1, sockets / cells);

        // libvirt's rule: where the parts do not make the whole, all processors are cores of one socket.
        return cells * socketsPerNode * coresPerSocket * threads == online.Length
            ? new NodeInfo(Architecture, OfAllCells("MemTotal"), online.Length, MHz(), cells, socketsPerNode, coresPerSocket, threads)
            : new NodeInfo(Architecture, OfAllCells("MemTotal"), online.Length, MHz(), 1, 1, online.Length, 1);
    }

    /// <exception cref="LibvirtException">There is no such cell.</exception>
    public IReadOnlyList<NodeStat> MemoryStats(int cell)
    {
        if (cell == AllOfNode)
            return [new("total", Memory("MemTotal")), new("free", Memory("MemFree")), new("buffers", Memory("Buffers")), new("cached", Memory("Cached"))];
        return [new("total", CellMemory(cell, "MemTotal")), new("free", CellMemory(cell, "MemFree"))];
    }

    /// <exception cref="LibvirtException">There is no such processor.</exception>
    public IReadOnlyList<NodeStat> CpuStats(int cpu)
    {
        const int user = 1, nice = 2, system = 3, idle = 4, iowait = 5, irq = 6, softirq = 7;
        string name = cpu == AllOfNode ? "cpu" : string.Create(CultureInfo.InvariantCulture, $"cpu{cpu}");
        foreach (string line in RequiredLines("proc/stat"))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length <= softirq || fields[0] != name)
                continue;
            return
            [
                new("kernel", Ticks(system) + Ticks(irq) + Ticks(softirq)), new("user", Ticks(user) + Ticks(nice)),
                new("idle", Ticks(idle)), new("iowait", Ticks(iowait)),
            ];

            ulong Ticks(int field) => Number(fields[field]) * NanosecondsPerTick;
        }

        const string function = "virHostCPUGetStatsLinux";
        throw LibvirtError.InvalidArgument($"Invalid cpuNum in {function}", function, "cpuNum", ErrorOrigin.None);
    }

    public ulong FreeMemoryBytes() => OfAllCells("MemFree") * BytesPerKiB;

    /// <exception cref="LibvirtException">There is no such cell.</exception>
    public IReadOnlyList<ulong> CellsFreeMemoryBytes(int first, int count)
    {
        IReadOnlyList<int> cells = Cells();
        int last = cells.Max();
        return first >= 0 && first <= last
            ? [.. cells.Where(cell => cell >= first).Take(count).Select(cell => CellMemory(cell, "MemFree") * BytesPerKiB)]
            : throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.None, $"start cell {first} out of range (0-{last})");
    }

    public CpuSet CpuMap()
    {
        int[] present = ReadList("sys/devices/system/cpu/present");
        HashSet<int> online = [.. OnlineCpus()];
        int count = Math.Max(present.DefaultIfEmpty(-1).Max(), online.DefaultIfEmpty(-1).Max()) + 1;
        return new CpuSet(count, online);
    }

    /// <summary>A line of the machine's identification (<c>sys_vendor</c>); null where it has none or it is not to be read.</summary>
    public string? Firmware(string name) => Lines($"sys/class/dmi/id/{name}").FirstOrDefault()?.Trim() is { Length: > 0 } text ? text : null;

    /// <summary>Whose host it is: its firmware's UUID, or, where that is none or not to be read, its machine id.</summary>
    public Guid? Uuid()
    {
        foreach (string? text in (string?[])[Firmware("product_uuid"), Lines("etc/machine-id").FirstOrDefault()])
        {
            // Firmware that was never told one has a digit again and again.
            if (Guid.TryParse(text, out Guid uuid) && uuid.ToString("N") is var digits && digits.Distinct().Count() > 1)
                return uuid;
        }

        return null;
    }

    public int[] OnlineCpus()
    {
        int[] online = ReadList("sys/devices/system/cpu/online");
        return online.Length > 0 ? online : [.. Enumerable.Range(0, Environment.ProcessorCount)];
    }

    public int[] CpusOfCell(int cell) => ReadList(string.Create(CultureInfo.InvariantCulture, $"sys/devices/system/node/node{cell}/cpulist"));

    public int Topology(int cpu, string name) =>
        (int)Number(Lines(string.Create(CultureInfo.InvariantCulture, $"sys/devices/system/cpu/cpu{cpu}/topology/{name}")).FirstOrDefault() ?? "0");

    /// <summary>Which CPUs share a core with one, in the kernel's words (<c>0,4</c>).</summary>
    public string Siblings(int cpu) =>
        Lines(string.Create(CultureInfo.InvariantCulture, $"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")).FirstOrDefault()?.Trim() is { Length: > 0 } list
            ? list
            : cpu.ToString(CultureInfo.InvariantCulture);

    /// <summary>How far the memory of each cell is from one cell's CPUs; 10: its own. None where the kernel does not tell.</summary>
    public IReadOnlyList<(int Cell, int Distance)> Distances(int cell) =>
    [
        .. Cells().Zip(
            (Lines(string.Create(CultureInfo.InvariantCulture, $"sys/devices/system/node/node{cell}/distance")).FirstOrDefault() ?? "")
                .Split(' ', StringSplitOptions.RemoveEmptyEntries),
            (other, distance) => (other, (int)Number(distance))),
    ];

    public ulong CellMemory(int cell, string name)
    {
        // Node 0 MemTotal:       16384 kB
        string path = string.Create(CultureInfo.InvariantCulture, $"sys/devices/system/node/node{cell}/meminfo");
        foreach (string line in Lines(path))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            const int nameField = 2, valueField = 3;
            if (fields.Length > valueField && fields[nameField] == name + ":")
                return Number(fields[valueField]);
        }

        if (cell == 0 && !File.Exists(Path.Combine(root, path)))
            return Memory(name);
        const string function = "virHostMemGetStats";
        throw LibvirtError.InvalidArgument($"cellNum in {function} must be less than or equal to {Cells().Max()}", function, "cellNum", ErrorOrigin.None);
    }

    /// <summary>libvirt's sum: memory that belongs to no cell is not counted.</summary>
    private ulong OfAllCells(string name) => Cells().Aggregate(0UL, (sum, cell) => sum + CellMemory(cell, name));

    private ulong Memory(string name)
    {
        foreach (string line in RequiredLines("proc/meminfo"))
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ':')
                return Number(line[(name.Length + 1)..].Replace("kB", "", StringComparison.Ordinal).Trim());
        }

        throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.None, $"/proc/meminfo has no {name}");
    }

    private int MHz()
    {
        foreach (string line in Lines("proc/cpuinfo"))
        {
            if (line.StartsWith("cpu MHz", StringComparison.Ordinal)
                && double.TryParse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out double mhz))
            {
                return (int)mhz;
            }
        }

        return 0;
    }

    // 0-3,5
    private int[] ReadList(string path)
    {
        List<int> numbers = [];
        foreach (string range in (Lines(path).FirstOrDefault() ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = range.Trim().Split('-');
            int first = (int)Number(ends[0]), last = (int)Number(ends[^1]);
            const int most = 65536;
            for (int number = first; number <= last && number < most; number++)
                numbers.Add(number);
        }

        return [.. numbers];
    }

    private string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // Of a file that every host has: where it cannot be read, that is what is to be mended.
    private string[] RequiredLines(string path)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.None, $"/{path} cannot be read: {e.Message}");
        }
    }

    private static ulong Number(string text) =>
        ulong.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out ulong number) ? number : 0;
}
