using System.Globalization;
using Ballast.Cli.Parsing;
using Ballast.Cli.Xml;

namespace Ballast.Cli.Commands;

/// <summary>The host's free pages.</summary>
internal static class FreePagesCommand
{
    private static readonly CommandOption Cell = new("cellno", OptionKind.Int, "the number of the NUMA cell; -1: all of them together") { IsPositional = true };
    private static readonly CommandOption Size = new("pagesize", OptionKind.ScaledSize, "the size of the pages; in KiB if no unit is given") { IsPositional = true };
    private static readonly CommandOption All = new("all", OptionKind.Flag, "each NUMA cell, and each size if none is given");

    public static Command Command { get; } = new("freepages", "show how many pages of the host's memory are free")
    {
        Description = "Only guests backed by huge pages can use free huge pages.\n",
        Options = [Cell, Size, All],
        Execute = ShowAsync,
    };

    private static async ValueTask ShowAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.Exclude(All, Cell);
        uint? size = arguments.Has(Size) ? (uint)arguments.SizeInKiB(Size, uint.MaxValue) : null;
        if (arguments.Has(All))
        {
            await ShowAllAsync(invocation, size);
            return;
        }

        int cell = arguments.Int(Cell) ?? throw new CommandException("missing cellno argument");
        await ShowCellAsync(invocation, cell, [size ?? throw new CommandException("missing pagesize argument")]);
    }

    private static async ValueTask ShowAllAsync(CommandInvocation invocation, uint? size)
    {
        string xml = await HostCommands.AskAsync(invocation.Connection.GetCapabilitiesAsync(invocation.CancellationToken), "unable to get node capabilities");
        XmlItem capabilities = XmlInput.Read(xml);
        uint[] sizes = size is { } one ? [one] : Sizes(capabilities);
        if (sizes.Length == 0)
            throw new CommandException("could not get information about supported page sizes");
        foreach (XmlItem cell in capabilities.Find("host", "topology", "cells", "cell"))
        {
            if (!NumberText.TryReadInt(cell.Attribute("id") ?? "", out int number))
                throw new CommandException("conversion from string failed");
            await ShowCellAsync(invocation, number, sizes, string.Create(CultureInfo.InvariantCulture, $"Node {number}:"));
            invocation.Out.WriteLine("");
        }
    }

    // Those of the processor; where it does not tell, those of the cells.
    private static uint[] Sizes(XmlItem capabilities)
    {
        uint[] Read(params string[] path) =>
            [.. capabilities.Find(path).Select(pages => NumberText.TryReadNumber(pages.Attribute("size") ?? "", out uint kib) ? kib : 0).Where(kib => kib > 0).Distinct().Order()];
        return Read("host", "cpu", "pages") is { Length: > 0 } sizes ? sizes : Read("host", "topology", "cells", "cell", "pages");
    }

    private static async ValueTask ShowCellAsync(CommandInvocation invocation, int cell, uint[] sizes, string? heading = null)
    {
        IReadOnlyList<ulong> free = await invocation.Connection.GetFreePagesAsync(sizes, cell, 1, invocation.CancellationToken);
        if (heading is not null)
            invocation.Out.WriteLine(heading);
        for (int i = 0; i < sizes.Length; i++)
            invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sizes[i]}KiB: {free[i]}"));
    }
}
