namespace Ballast.Drivers.Test;

/// <summary>The simulated host.</summary>
internal sealed record TestNode
{
    public string Model { get; init; } = TestXml.Architecture;

    public ulong MemoryKiB { get; init; } = 3145728;

    public int ActiveCpus { get; init; } = 16;

    public int MHz { get; init; } = 1400;

    public int Nodes { get; init; } = 2;

    public int Sockets { get; init; } = 2;

    public int Cores { get; init; } = 2;

    public int Threads { get; init; } = 2;

    /// <summary>The NUMA cells' memory; libvirt gives it, in KiB, where free bytes are asked for.</summary>
    public IReadOnlyList<ulong> CellsKiB { get; init; } = [];

    /// <summary>Given likewise.</summary>
    public ulong FreeKiB { get; init; }

    public NodeInfo Info => new(Model, MemoryKiB, ActiveCpus, MHz, Nodes, Sockets, Cores, Threads);
}
