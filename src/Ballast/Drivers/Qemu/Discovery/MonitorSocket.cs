namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>What a monitor is reached by.</summary>
internal enum MonitorKind
{
    /// <summary>A unix socket with a path that QEMU listens on.</summary>
    Unix,

    /// <summary>A unix socket with an abstract name that QEMU listens on.</summary>
    Abstract,

    /// <summary>A listening socket that was passed to QEMU.</summary>
    PassedDescriptor,

    /// <summary>A TCP port that QEMU listens on.</summary>
    Tcp,

    /// <summary>Nothing that we could connect to: a terminal, a file, a socket that QEMU connects as a client, one that speaks telnet or TLS.</summary>
    Other,
}

/// <summary>A monitor for programs (QMP) that a QEMU's command line asks for.</summary>
/// <param name="Path">
/// The socket's path or abstract name as it was written, perhaps relative; null where it has none or QEMU makes one up.
/// </param>
/// <param name="ChardevId">The id of its character device; null where the option made one by itself.</param>
internal sealed record MonitorSocket(string? Path, string? ChardevId)
{
    public MonitorKind Kind { get; init; } = MonitorKind.Unix;

    /// <summary>The number of a passed descriptor, as the process numbers it.</summary>
    public int? Descriptor { get; init; }

    /// <summary>Whether the guest does not start before somebody connects.</summary>
    public bool WaitsForClient { get; init; }

    /// <summary>Where it is, for messages (<c>tcp:127.0.0.1:4444</c>); not escaped.</summary>
    public string? Address { get; init; }
}
