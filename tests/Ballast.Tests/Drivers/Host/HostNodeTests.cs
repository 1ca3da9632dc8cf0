using System.Xml.Linq;
using Ballast.Drivers.Host;
using Ballast.Guests;

namespace Ballast.Tests.Drivers.Host;

/// <summary>What is told of a host, from the files of one that there is none of here.</summary>
public sealed class HostNodeTests : IDisposable
{
    private static readonly uint SystemPageKiB = (uint)Environment.SystemPageSize / 1024;

    private readonly PrivateDirectory _root = new();

    public HostNodeTests()
    {
        Write("proc/meminfo", "MemTotal:  9000 kB\nMemFree:  5000 kB\nBuffers:  10 kB\nCached:  20 kB\n");
        Write("sys/devices/system/cpu/online", "0-3\n");
        Write("sys/devices/system/node/online", "0-1\n");
        Write("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:  4000 kB\nNode 0 MemFree:  800 kB\n");
        Write("sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:  3000 kB\nNode 1 MemFree:  400 kB\n");
        Write("sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "7\n");
    }

    public void Dispose() => _root.Dispose();

    [Fact]
    public void The_hosts_memory_is_that_of_its_cells()
    {
        HostNode node = new(_root.Path);
        Assert.Equal(7000u, node.Info().MemoryKiB);
        Assert.Equal(1200u * 1024, node.FreeMemoryBytes());
        Assert.Equal([800u * 1024, 400u * 1024], node.CellsFreeMemoryBytes(0, 9));

        // This one libvirt takes from the kernel's sum, too.
        Assert.Equal(9000u, node.MemoryStats(Connection.AllOfNode)[0].Value);
    }

    [Fact]
    public void Without_the_kernels_files_it_says_that_they_cannot_be_read()
    {
        Directory.Delete(_root.File("sys/devices/system/node"), recursive: true);
        Directory.Delete(_root.File("proc"), recursive: true);
        HostNode node = new(_root.Path);
        foreach (Action ask in (Action[])[() => node.Info(), () => node.FreeMemoryBytes(), () => node.MemoryStats(Connection.AllOfNode)])
            Assert.StartsWith("internal error: /proc/meminfo cannot be read: ", Assert.Throws<LibvirtException>(ask).Message, StringComparison.Ordinal);
        Assert.StartsWith(
            "internal error: /proc/stat cannot be read: ",
            Assert.Throws<LibvirtException>(() => node.CpuStats(Connection.AllOfNode)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kernel_without_cells_has_one_with_all_memory()
    {
        Directory.Delete(_root.File("sys/devices/system/node"), recursive: true);
        HostNode node = new(_root.Path);
        Assert.Equal((9000u, 5000u * 1024), ((uint)node.Info().MemoryKiB, (uint)node.FreeMemoryBytes()));
    }

    [Fact]
    public void Free_pages_are_told_of_each_cell_and_size()
    {
        HostNode node = new(_root.Path);
        Assert.Equal([800u / SystemPageKiB, 400u / SystemPageKiB], node.FreePages([SystemPageKiB], 0, 9));
        Assert.Equal([400u / SystemPageKiB, 7u], node.FreePages([SystemPageKiB, 2048], 1, 1));
        Assert.Equal(
            (ErrorCode.OperationFailed, "operation failed: page size 2048 is not available on node 0"), Error(() => node.FreePages([2048], 0, 1)));
        Assert.Equal([5000u / SystemPageKiB, 800u / SystemPageKiB], node.FreePages([SystemPageKiB], Connection.AllOfNode, 2));
        Assert.Equal((ErrorCode.OperationFailed, "operation failed: page size 3 is not available"), Error(() => node.FreePages([3], Connection.AllOfNode, 1)));
        Assert.Equal((ErrorCode.InternalError, "internal error: start cell -2 out of range (0-1)"), Error(() => node.FreePages([SystemPageKiB], -2, 1)));
        Assert.Equal((ErrorCode.InternalError, "internal error: start cell 2 out of range (0-1)"), Error(() => node.FreePages([SystemPageKiB], 2, 1)));
    }

    [Theory]
    [InlineData("6F9619FF-8B86-D011-B42D-00CF4FC964FF", "", "6f9619ff-8b86-d011-b42d-00cf4fc964ff")]
    [InlineData("ffffffff-ffff-ffff-ffff-ffffffffffff", "0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef")]
    [InlineData("", "0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef")]
    [InlineData("Not Settable", "", null)]
    public void A_host_is_known_by_its_firmware_or_else_by_its_machine_id(string firmware, string machine, string? expected)
    {
        Write("sys/class/dmi/id/product_uuid", firmware + "\n");
        Write("etc/machine-id", machine + "\n");
        Assert.Equal(expected, new HostNode(_root.Path).Uuid()?.ToString());
    }

    private static (ErrorCode, string) Error(Func<object> call)
    {
        LibvirtException error = Assert.Throws<LibvirtException>(call);
        return (error.Code, error.Message);
    }

    private void Write(string path, string text)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(_root.File(path))!);
        File.WriteAllText(_root.File(path), text);
    }

    [Fact]
    public void The_capabilities_tell_pages_distances_and_siblings_as_the_kernel_does()
    {
        Write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "1\n");
        Write("sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
        Write("sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "1\n");
        Write("sys/devices/system/node/node0/distance", "10 21\n");
        Write("sys/devices/system/node/node1/cpulist", "4\n");
        Write("sys/devices/system/cpu/cpu4/topology/thread_siblings_list", "0,4\n");
        Write("sys/devices/system/cpu/cpu4/topology/die_id", "1\n");
        HostNode node = new(_root.Path);
        Assert.Equal([4u, 2048u], node.PageSizes());

        XElement host = XElement.Parse(HostXml.Capabilities(node, ["qemu"], "/bin/qemu")).Element("host")!;
        Assert.Equal(["4", "2048"], host.Element("cpu")!.Elements("pages").Attributes("size").Select(size => size.Value));
        XElement[] cells = [.. host.Descendants("cell")];
        Assert.Equal([("4", "1000"), ("2048", "0")], cells[0].Elements("pages").Select(pages => (pages.Attribute("size")!.Value, pages.Value)));

        // What huge pages take is no longer there as small ones.
        Assert.Equal([("4", $"{(3000 - 2048) / 4}"), ("2048", "1")], cells[1].Elements("pages").Select(pages => (pages.Attribute("size")!.Value, pages.Value)));
        Assert.Equal([("0", "10"), ("1", "21")], cells[0].Descendants("sibling").Select(one => (one.Attribute("id")!.Value, one.Attribute("value")!.Value)));
        Assert.Empty(cells[1].Elements("distances"));
        Assert.Equal(("1", "0,4"), cells[1].Descendants("cpu").Select(cpu => (cpu.Attribute("die_id")!.Value, cpu.Attribute("siblings")!.Value)).Single());
    }
}
