namespace Ballast.Drivers.Test;

/// <summary>
/// What a domain is made of. It never changes: another one takes its place. What the driver does not understand of it is
/// kept as XML.
/// </summary>
internal sealed record TestDefinition
{
    public required string Name { get; init; }

    public required Guid Uuid { get; init; }

    /// <summary>The hypervisor that the XML names; it means nothing here.</summary>
    public required string Type { get; init; }

    public required ulong MaxMemoryKiB { get; init; }

    public required ulong MemoryKiB { get; init; }

    /// <summary>What memory may be plugged up to; null where none may be.</summary>
    public ulong? PluggableKiB { get; init; }

    public required int MaxVcpus { get; init; }

    public required int Vcpus { get; init; }

    public string? Title { get; init; }

    public string? Description { get; init; }

    /// <summary>XML of other programs, each root in a namespace of its own; null where there was never any.</summary>
    public XmlElement? Metadata { get; init; }

    /// <summary>What becomes of the domain when it reboots.</summary>
    public string OnReboot { get; init; } = "restart";

    /// <summary>Whether there is a balloon that tells of memory.</summary>
    public bool HasBalloon { get; init; }

    /// <summary>0 where collection is off.</summary>
    public int PeriodSeconds { get; init; }

    /// <summary>Characters of the XML that it was read from; 0 where it is a file's or the driver's own.</summary>
    public int XmlLength { get; init; }

    /// <summary>The same with what was set since, about.</summary>
    public long Length => XmlLength + (Title?.Length ?? 0) + (Description?.Length ?? 0) + (Metadata?.Elements.Sum(root => (long)root.Length) ?? 0);

    /// <summary>Whether another one takes no more to keep beside this one.</summary>
    public bool SharesTexts(TestDefinition other) =>
        Elements == other.Elements && Metadata == other.Metadata
        && ReferenceEquals(Title, other.Title) && ReferenceEquals(Description, other.Description);

    /// <summary>Everything else, complete and in libvirt's order. Nobody changes these.</summary>
    public required IReadOnlyList<XmlElement> Elements { get; init; }
}
