namespace Ballast.Guests;

/// <summary>What a QEMU has of its own.</summary>
public enum ContainerKind
{
    /// <summary>Nothing: it runs beside the tests.</summary>
    Host,

    /// <summary>A root, mounts, process ids and a network, as container runtimes give them.</summary>
    Whole,

    /// <summary>The same, but the directory of its sockets is the host's, bound into it.</summary>
    Bound,

    /// <summary>As <see cref="Whole"/>, in a user namespace that an ordinary user made: root inside, <see cref="Container.Nobody"/> outside.</summary>
    User,

    /// <summary>A network only.</summary>
    Network,

    /// <summary>Mounts only: a file system of its own lies over the directory of its sockets.</summary>
    Mounts,

    /// <summary>A root only (chroot), with the host's mounts.</summary>
    Root,
}

public sealed record ContainerOptions
{
    public ContainerKind Kind { get; init; } = ContainerKind.Whole;

    /// <summary>Where its sockets lie, as the QEMU knows the directory. It exists on the host too.</summary>
    public required string DirectoryPath { get; init; }

    public string? Name { get; init; }

    public Guid? Uuid { get; init; }

    public int MemoryMib { get; init; } = 64;

    /// <summary>Its monitor's file, in that directory.</summary>
    public string Monitor { get; init; } = "a.sock";

    /// <summary>The monitor's character device, such as libvirt's <c>charmonitor</c>; null: it has none of its own.</summary>
    public string? ChardevId { get; init; }

    /// <summary>The file of the monitor that only the test uses; null: there is none.</summary>
    public string? Oracle { get; init; } = "oracle.sock";
}
