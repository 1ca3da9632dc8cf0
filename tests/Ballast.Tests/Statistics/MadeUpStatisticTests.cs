using System.Globalization;
using System.Text.Json;
using Ballast.Guests;
using Ballast.Tests.Fakes;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Statistics;

/// <summary>
/// A statistic that nobody has is added to a copy of the sources by one line of the table, and nothing else. Then the programs
/// that are built of them know it.
/// </summary>
public sealed class MadeUpStatisticTests : IDisposable
{
    private const int Tag = 0x42000010;
    private const string Row = "        new((MemoryStatTag)0x42000010, \"made_up\", null, KiB, Counter, 16, \"stat-made-up\", \"99.0\", \"99.0\"),\n";

    private const string Program =
        """
        using Ballast;

        MemoryStatTag tag = (MemoryStatTag)0x42000010;
        await using Connection connection = await Connection.OpenAsync(args[0]);
        Domain domain = (await connection.ListDomainsAsync())[0];
        MemoryStats usual = await domain.GetMemoryStatsAsync(), extended = await domain.GetMemoryStatsAsync(MemoryStatsOptions.Extended);
        MemoryStat[] buffer = new MemoryStat[64];
        int count = await domain.FillMemoryStatsAsync(buffer, MemoryStatsOptions.Extended);
        Console.WriteLine($"{tag.Label()} {tag.Unit()} {tag.IsKnown()} {MemoryStatTags.Extended[^1] == tag}");
        Console.WriteLine($"{usual[tag]?.ToString() ?? "none"} {extended[tag]} {extended.Entries[^1].Value} {buffer[count - 1].Value}");
        """;

    private const string ProgramProject =
        """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <NoWarn>$(NoWarn);CS1591</NoWarn>
          </PropertyGroup>
          <ItemGroup>
            <ProjectReference Include="../src/Ballast.Cli/Ballast.Cli.csproj" />
            <ProjectReference Include="../src/Ballast.Daemon/Ballast.Daemon.csproj" />
          </ItemGroup>
        </Project>
        """;

    private const string CProgram =
        """
        #include "ballast.h"
        #include <stdio.h>

        int main(int count, char **arguments)
        {
            virConnectPtr conn = virConnectOpen(arguments[count - 1]);
            virDomainPtr dom = conn ? virDomainLookupByName(conn, "fake") : NULL;
            ballastMemorySample sample = { .size = sizeof sample };
            virDomainMemoryStatStruct stats[64];
            int filled = dom ? ballastDomainGetMemorySample(dom, &sample, stats, 64, BALLAST_MEMORY_EXTENDED) : -1;
            if (filled < 1)
                return 1;
            printf("%s %d %llu", ballastMemoryStatLabel(0x42000010), stats[filled - 1].tag, stats[filled - 1].val);
            return ballastMemoryStatLabel(0x42000011) != NULL;
        }
        """;

    private static readonly TimeSpan BuildDeadline = TimeSpan.FromMinutes(10);

    private readonly PrivateDirectory _tree = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _tree.Dispose();

    [Fact]
    [Trait("speed", "slow")]
    public async Task A_row_is_all_that_the_library_the_wire_and_the_command_line_need()
    {
        CopySources();
        Directory.CreateDirectory(_tree.File("knows"));
        await File.WriteAllTextAsync(_tree.File("knows/knows.csproj"), ProgramProject, Token);
        await File.WriteAllTextAsync(_tree.File("knows/Program.cs"), Program, Token);
        await BuildAsync("dotnet", "build", _tree.File("knows"), "-c", "Release", "-v", "quiet", "--disable-build-servers");

        await using FakeQmp qmp = Start();
        await KnowsAsync(qmp.Uri);
        await using ChildProcess daemon = await DaemonRun.StartCommandAsync(
            [Built("Ballast.Daemon", "ballastd"), "--config", "/dev/null", "--socket", _tree.File("sock"), "--qmp", qmp.Path], Token);
        await KnowsAsync($"qemu+unix:///system?socket={_tree.File("sock")}");
        await IsJudgedAsync(qmp.Guest, $"qemu+unix:///system?socket={_tree.File("sock")}");
        await DaemonRun.EndAsync(daemon, Token);
    }

    [Fact]
    [Trait("speed", "long")]
    public async Task A_row_is_all_that_C_needs()
    {
        CopySources();
        await BuildAsync(_tree.File("build"), "--only", "libballast.so", _tree.File("native"));
        await File.WriteAllTextAsync(_tree.File("knows.c"), CProgram, Token);
        await BuildAsync("gcc", "-DBALLAST_ONLY", "-I", _tree.File("native/include"), _tree.File("knows.c"), _tree.File("native/libballast.so"), "-o", _tree.File("knows"));

        await using FakeQmp qmp = Start();
        Assert.Equal(
            new CommandResult(0, $"made_up {Tag} 17408", ""),
            await ChildProcess.RunAsync(
                _tree.File("knows"), [qmp.Uri], new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = _tree.File("native") }, cancellationToken: Token));
    }

    private static FakeQmp Start()
    {
        FakeQmp qmp = FakeQmp.Start();
        qmp.Guest.Reporting(count: 16, DateTimeOffset.UtcNow.ToUnixTimeSeconds()).Stats["stat-made-up"] = "17825792";
        return qmp;
    }

    /// <summary>Everything at that end knows it: 17 MiB.</summary>
    private async Task KnowsAsync(string uri)
    {
        Assert.Equal("made_up KiB True True\nnone 17408 17408 17408\n", await OutputAsync(Built("knows", "knows"), uri));

        string text = await OutputAsync(Cli, "-q", "-c", uri, "dommemstat", "fake", "--extended");
        Assert.EndsWith("direct_reclaims 16384\nmade_up 17408\n", text.TrimEnd() + '\n', StringComparison.Ordinal);
        Assert.DoesNotContain("made_up", await OutputAsync(Cli, "-q", "-c", uri, "dommemstat", "fake"), StringComparison.Ordinal);

        JsonElement stats = (await SampleAsync(uri)).GetProperty("stats");
        Assert.Equal(17408u, stats.GetProperty("made_up").GetUInt64());

        // All but what only a process could tell: rss.
        Assert.Equal(19, stats.EnumerateObject().Count());
    }

    /// <summary>It is judged as its row says: a counter of bytes.</summary>
    private async Task IsJudgedAsync(FakeGuest guest, string uri)
    {
        Assert.Empty((await SampleAsync(uri)).GetProperty("inconsistencies").EnumerateArray());
        Report(guest, 1024);
        Assert.Equal("counter went backwards", Assert.Single((await SampleAsync(uri)).GetProperty("inconsistencies").EnumerateArray()).GetString());

        Report(guest, 0xFFFFFFFFFFFFF000);
        Assert.False((await SampleAsync(uri)).GetProperty("stats").TryGetProperty("made_up", out _));
    }

    private static void Report(FakeGuest guest, ulong value)
    {
        guest.Stats["stat-made-up"] = value.ToString(CultureInfo.InvariantCulture);
        guest.Report(DateTimeOffset.UtcNow.ToUnixTimeSeconds(), 6 << 20);
    }

    private async Task<JsonElement> SampleAsync(string uri) =>
        JsonDocument.Parse(await OutputAsync(Cli, "-q", "-c", uri, "dommemstat", "fake", "--json", "--extended")).RootElement;

    private string Cli => Built("Ballast.Cli", "Ballast.Cli");

    private string Built(string project, string program) => _tree.File($"artifacts/bin/{project}/release/{program}");

    private void CopySources()
    {
        string[] single = ["Directory.Build.props", "Directory.Packages.props", "global.json", ".editorconfig", "build"];
        foreach (string name in single)
            File.Copy(Path.Combine(NativeProgram.Root, name), _tree.File(name));
        foreach (string directory in (string[])["src", "eng"])
            CopyDirectory(Path.Combine(NativeProgram.Root, directory), _tree.File(directory));

        string table = _tree.File("src/Ballast/Statistics/MemoryStatTable.cs"), text = File.ReadAllText(table);
        int end = text.IndexOf("    ];\n", StringComparison.Ordinal);
        File.WriteAllText(table, text.Insert(end, Row));
    }

    private static void CopyDirectory(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (string directory in Directory.EnumerateDirectories(from).Where(directory => Path.GetFileName(directory) is not ("bin" or "obj")))
            CopyDirectory(directory, Path.Combine(to, Path.GetFileName(directory)));
    }

    private static async Task BuildAsync(string program, params string[] arguments)
    {
        CommandResult result = await ChildProcess.RunAsync(program, arguments, deadline: BuildDeadline, cancellationToken: Token);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
    }

    private static async Task<string> OutputAsync(string program, params string[] arguments)
    {
        CommandResult result = await ChildProcess.RunAsync(program, arguments, cancellationToken: Token);
        Assert.True(result.ExitCode == 0, result.Errors);
        return result.Output;
    }
}
