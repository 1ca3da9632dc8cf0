using Ballast.Guests;
using Ballast.Tests.Cli;

namespace Ballast.Tests.Drivers;

/// <summary>The test driver's host, and what XML tells of it and of its domain.</summary>
[Collection(TestDriverTests.Shared)]
public class TestDriverNodeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_host_has_libvirts_numbers()
    {
        await using Connection connection = await OpenAsync();
        Assert.Equal(Environment.MachineName, await connection.GetHostNameAsync(Token));
        Assert.Equal(new NodeInfo("i686", 3145728, 16, 1400, 2, 2, 2, 2), await connection.GetNodeInfoAsync(Token));
        Assert.Equal(3145728u, await connection.GetFreeMemoryAsync(Token));
        foreach (string? type in (string?[])[null, "test", "kvm", "nonsense"])
            Assert.Equal(32, await connection.GetMaxVcpusAsync(type, Token));
        foreach (int cpu in (int[])[Connection.AllOfNode, 0, 4711])
        {
            Assert.Equal(
                [new("user", 9797400000), new("kernel", 34678723400000), new("idle", 87264900000), new("iowait", 763600000)],
                await connection.GetNodeCpuStatsAsync(cpu, Token));
        }

        CpuSet map = await connection.GetCpuMapAsync(Token);
        Assert.Equal(new CpuSet(8, [0, 2, 4]), map);
        LibvirtException memory = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.GetNodeMemoryStatsAsync(cancellationToken: Token));
        Assert.Equal(ErrorCode.NoSupport, memory.Code);
    }

    [Theory]
    [InlineData(0, 1, "2097152")]
    [InlineData(0, 2, "2097152 4194304")]
    [InlineData(0, 9, "2097152 4194304")]
    [InlineData(1, 9, "4194304")]
    public async Task Cells_are_given_from_the_first_one_asked_for(int first, int count, string expected)
    {
        await using Connection connection = await OpenAsync();
        Assert.Equal(expected, string.Join(' ', await connection.GetCellsFreeMemoryAsync(first, count, Token)));
    }

    [Theory]
    [InlineData(2, 1, ErrorOrigin.Test, "invalid argument: Range exceeds available cells", "Range exceeds available cells")]
    [InlineData(-1, 1, ErrorOrigin.Domain, "startCell in virNodeGetCellsFreeMemory must be zero or greater", "startCell")]
    [InlineData(-1, 0, ErrorOrigin.Domain, "maxCells in virNodeGetCellsFreeMemory must be greater than zero", "maxCells")]
    public async Task Cells_that_are_not_there_are_refused(int first, int count, ErrorOrigin origin, string message, string str2)
    {
        await using Connection connection = await OpenAsync();
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.GetCellsFreeMemoryAsync(first, count, Token));
        Assert.Equal((ErrorCode.InvalidArgument, origin, message, str2), (error.Code, error.Origin, error.Message, error.Str2));
    }

    [Fact]
    public async Task Numbers_below_all_are_refused_in_libvirts_words()
    {
        await using Connection connection = await OpenAsync();
        LibvirtException memory = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.GetNodeMemoryStatsAsync(-2, Token));
        LibvirtException cpu = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.GetNodeCpuStatsAsync(-2, Token));
        Assert.Equal(
            ("cellNum in virNodeGetMemoryStats only accepts -1 as a negative value", "virNodeGetMemoryStats", "cpuNum"),
            (memory.Message, memory.Str1, memory.Str2));
        Assert.Equal(
            ("cpuNum in virNodeGetCPUStats only accepts -1 as a negative value", "virNodeGetCPUStats", "cpuNum"),
            (cpu.Message, cpu.Str1, cpu.Str2));
    }

    [Theory]
    [Trait("needs", "virsh")]
    [MemberData(nameof(Scripts))]
    public async Task Xml_is_virshs_byte_for_byte(string script)
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("test", Token);
        string ours = "";
        foreach (string line in script.Split("; "))
        {
            ours += line switch
            {
                // virsh puts an end of line of its own behind this one.
                "capabilities" => await connection.GetCapabilitiesAsync(Token) + "\n",
                "sysinfo" => await connection.GetSysinfoAsync(Token),
                "dumpxml test" => await domain.GetXmlAsync(cancellationToken: Token),
                "dumpxml test --inactive" => await domain.GetXmlAsync(DomainXmlFlags.Inactive, Token),
                "dumpxml test --security-info" => await domain.GetXmlAsync(DomainXmlFlags.Secure, Token),
                "dumpxml test --migratable" => await domain.GetXmlAsync(DomainXmlFlags.Migratable, Token),
                _ => await ChangeAsync(domain, line.Split(' ')),
            };
        }

        Outcome theirs = await CliRun.ProcessAsync("virsh", ["-q", "-c", "test:///default", script], cancellationToken: Token);
        Assert.Equal("", theirs.Error);

        // The virsh of 11.3 puts no end of line of its own there any more, and its library tells of clusters of processors.
        bool isNewer = Installed.Libvirt >= new Version(11, 3);
        if (isNewer && script == "capabilities")
            ours = ours[..^1];
        Assert.Equal(isNewer ? theirs.Output.Replace(" cluster_id='0'", "", StringComparison.Ordinal) : theirs.Output, ours);
    }

    public static TheoryData<string> Scripts { get; } =
    [
        "capabilities", "sysinfo", "dumpxml test", "dumpxml test --inactive", "dumpxml test --security-info", "dumpxml test --migratable",
        "setmem test 1000000; dumpxml test; dumpxml test --inactive",
        "setmem test 1000000 --config; dumpxml test; dumpxml test --inactive",
        "setmaxmem test 4000000 --config; dumpxml test; dumpxml test --inactive",
        "dommemstat test --period 3; dumpxml test; dumpxml test --inactive",
        "dommemstat test --period 3 --config; dumpxml test; dumpxml test --inactive",
        "suspend test; dumpxml test",
        "dommemstat test --period 3; setmem test 1000000 --config; destroy test; dumpxml test; dumpxml test --inactive",
        "destroy test; setmaxmem test 1000; dumpxml test",
    ];

    private static async Task<string> ChangeAsync(Domain domain, string[] words)
    {
        DomainModificationImpact impact = words[^1] == "--config" ? DomainModificationImpact.Config : DomainModificationImpact.Current;
        await (words[0] switch
        {
            "setmem" => domain.SetMemoryAsync(ulong.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture), impact, Token),
            "setmaxmem" => domain.SetMaxMemoryAsync(ulong.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture), impact, Token),
            "dommemstat" => domain.SetPeriodAsync(int.Parse(words[3], System.Globalization.CultureInfo.InvariantCulture), impact, Token),
            "suspend" => domain.SuspendAsync(Token),
            "destroy" => domain.DestroyAsync(cancellationToken: Token),
            _ => throw new ArgumentOutOfRangeException(nameof(words)),
        });
        return "";
    }

    private static ValueTask<Connection> OpenAsync() => Connection.OpenAsync("test:///default", cancellationToken: Token);
}
