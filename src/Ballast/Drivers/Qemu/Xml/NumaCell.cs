using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>A guest's NUMA node, as <c>-numa node</c> describes it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Cpus">Its processors, as libvirt writes them, or null.</param>
/// <param name="Backend">What its memory is made of; null where only its size is said.</param>
/// <param name="KiB">Its memory, or null.</param>
/// <param name="Distances">How far it is from others, by their numbers.</param>
internal sealed record NumaCell(
    string Id, string? Cpus, OptionMembers? Backend, ulong? KiB, IReadOnlyList<(string Cell, string Distance)> Distances)
{
    private const ulong Mebi = 1024 * 1024;

    // QEMU has no more.
    private const int MaxCells = 128;

    public static IReadOnlyList<NumaCell> Of(MachineOptions options)
    {
        List<NumaCell> cells = [];
        ILookup<string?, (string?, string?)> distances = options.Numa.Where(said => Last(said, "type") == "dist")
            .ToLookup(said => OptionNumber.Decimal(Last(said, "src")), said => (OptionNumber.Decimal(Last(said, "dst")), OptionNumber.Decimal(Last(said, "val"))));
        foreach (IReadOnlyList<(string Name, string Value)> said in options.Numa.Where(said => Last(said, "type") == "node").Take(MaxCells))
        {
            string id = OptionNumber.Decimal(Last(said, "nodeid")) ?? cells.Count.ToString(CultureInfo.InvariantCulture);
            OptionMembers? memory = Last(said, "memdev") is { } backend ? options.Objects.GetValueOrDefault(backend) : null;
            cells.Add(new NumaCell(
                id,
                NumberSet.Of(said.Where(member => member.Name == "cpus").Select(member => member.Value)),
                memory,
                memory?["size"] is { } bytes ? OptionSize.Parse(bytes, 1) / 1024
                    : Last(said, "mem") is { } size ? OptionSize.Parse(size, Mebi) / 1024 : null,
                [.. distances[id].Take(MaxCells).Where(one => one is (not null, not null)).Select(one => (one.Item1!, one.Item2!))]));
        }

        return cells;
    }

    private static string? Last(IReadOnlyList<(string Name, string Value)> said, string name) =>
        said.LastOrDefault(member => member.Name == name).Value;
}
