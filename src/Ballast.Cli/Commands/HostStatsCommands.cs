using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Cli.Xml;

namespace Ballast.Cli.Commands;

/// <summary>The host's memory and CPU time.</summary>
internal static class HostStatsCommands
{
    private static readonly CommandOption FreeCell = Number("cellno", "the number of the NUMA cell");
    private static readonly CommandOption All = new("all", OptionKind.Flag, "each NUMA cell, and their sum");
    private static readonly CommandOption Cell = Number("cell", "only the NUMA cell with this number");
    private static readonly CommandOption Cpu = Number("cpu", "only the CPU with this number");
    private static readonly CommandOption Percent = new("percent", OptionKind.Flag, "measure for a second and show percentages");

    // libvirt's name of each time, and the one that is shown.
    private static readonly (string Name, string Label)[] Times =
    [
        ("user", "user"), ("kernel", "system"), ("idle", "idle"), ("iowait", "iowait"),
    ];

    public static Command FreeMemory { get; } = new("freecell", "show the free memory of the host")
    {
        Options = [FreeCell, All],
        Execute = ShowFreeMemoryAsync,
    };

    public static Command Memory { get; } = new("nodememstats", "show the memory of the host")
    {
        Description = "Total, free, buffers and cached are those of `free` on the host. A NUMA cell has total and free only.\n",
        Options = [Cell],
        Execute = ShowMemoryAsync,
    };

    public static Command CpuTimes { get; } = new("nodecpustats", "show the CPU time of the host")
    {
        Description = "Times are in nanoseconds, since the host booted.\n",
        Options = [Cpu, Percent],
        Execute = ShowCpuTimesAsync,
    };

    private static CommandOption Number(string name, string summary) => new(name, OptionKind.Int, summary) { IsPositional = true };

    private static async ValueTask ShowFreeMemoryAsync(CommandInvocation invocation)
    {
        invocation.Arguments.Exclude(All, FreeCell);
        Connection connection = invocation.Connection;
        CancellationToken cancellationToken = invocation.CancellationToken;
        if (invocation.Arguments.Has(All))
            await ShowAllCellsAsync(invocation);
        else if (invocation.Arguments.Int(FreeCell) is { } cell)
            Write($"{cell}: {(await connection.GetCellsFreeMemoryAsync(cell, 1, cancellationToken))[0] / 1024} KiB");
        else
            Write($"Total: {await connection.GetFreeMemoryAsync(cancellationToken) / 1024} KiB");

        void Write(FormattableString line) => invocation.Out.WriteLine(line.ToString(CultureInfo.InvariantCulture));
    }

    private static async ValueTask ShowAllCellsAsync(CommandInvocation invocation)
    {
        string xml = await HostCommands.AskAsync(invocation.Connection.GetCapabilitiesAsync(invocation.CancellationToken), "failed to get capabilities");
        List<(int Cell, ulong KiB)> cells = [];
        foreach (XmlItem element in XmlInput.Read(xml).Find("host", "topology", "cells", "cell"))
        {
            if (!NumberText.TryReadInt(element.Attribute("id") ?? "", out int cell))
                throw new CommandException("conversion from string failed");
            IReadOnlyList<ulong> free = await HostCommands.AskAsync(
                invocation.Connection.GetCellsFreeMemoryAsync(cell, 1, invocation.CancellationToken),
                string.Create(CultureInfo.InvariantCulture, $"failed to get free memory for NUMA node number: {cell}"));
            cells.Add((cell, free[0] / 1024));
        }

        ulong sum = 0;
        foreach ((int cell, ulong kib) in cells)
        {
            invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{cell,5}: {kib,10} KiB"));
            sum += kib;
        }

        invocation.Confirm(new string('-', 20));
        invocation.Confirm(string.Create(CultureInfo.InvariantCulture, $"{"Total",5}: {sum,10} KiB"));
    }

    private static async ValueTask ShowMemoryAsync(CommandInvocation invocation)
    {
        int cell = invocation.Arguments.Int(Cell) ?? Connection.AllOfNode;
        IReadOnlyList<NodeStat> stats = await HostCommands.AskAsync(
            invocation.Connection.GetNodeMemoryStatsAsync(cell, invocation.CancellationToken), "Unable to get number of memory stats");
        foreach (NodeStat stat in stats)
            invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{SafeText.Escape(stat.Name),-7}: {stat.Value,20} KiB"));
    }

    private static async ValueTask ShowCpuTimesAsync(CommandInvocation invocation)
    {
        ulong?[] times = await ReadTimesAsync(invocation);
        if (!invocation.Arguments.Has(Percent))
        {
            for (int i = 0; i < times.Length; i++)
            {
                if (times[i] is { } nanoseconds)
                    invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Times[i].Label + ":",-15} {nanoseconds,20}"));
            }

            return;
        }

        await Task.Delay(TimeSpan.FromSeconds(1), invocation.TimeProvider, invocation.CancellationToken);
        ulong?[] later = await ReadTimesAsync(invocation);
        double[] passed = [.. times.Select((before, i) => (double)unchecked((long)((later[i] ?? 0) - (before ?? 0))))];
        double all = passed.Sum();
        Write("usage", passed[0] + passed[1]);
        for (int i = 0; i < passed.Length; i++)
            Write(Times[i].Label, passed[i]);

        // Where no time passed, as on a host that is not real, C prints the number that is none as "-nan".
        void Write(string label, double part) => invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{label + ":",-15} {(all == 0 ? "-nan" : (100 * part / all).ToString("F1", CultureInfo.InvariantCulture)),5}%"));
    }

    private static async ValueTask<ulong?[]> ReadTimesAsync(CommandInvocation invocation)
    {
        int cpu = invocation.Arguments.Int(Cpu) ?? Connection.AllOfNode;
        IReadOnlyList<NodeStat> stats;
        try
        {
            stats = await invocation.Connection.GetNodeCpuStatsAsync(cpu, invocation.CancellationToken);
        }
        catch (LibvirtException e)
        {
            // C programs ask for the number first, which only a driver without such statistics, or no number at all, makes fail.
            bool isFirst = cpu < Connection.AllOfNode || e.Code == ErrorCode.NoSupport;
            throw new CommandException(isFirst ? "Unable to get number of cpu stats" : "Unable to get node cpu stats", e);
        }

        return [.. Times.Select(time => stats.Where(stat => stat.Name == time.Name).Select(stat => (ulong?)stat.Value).FirstOrDefault())];
    }
}
