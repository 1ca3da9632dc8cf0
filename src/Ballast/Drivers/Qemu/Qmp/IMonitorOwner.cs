namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>The process that a monitor must belong to.</summary>
internal interface IMonitorOwner
{
    int Pid { get; }

    /// <summary>Whether it was closed with the connection that found it, so that it tells nothing any more.</summary>
    bool IsClosed { get; }

    bool HasExited { get; }

    /// <summary>Whether it made the socket itself for a monitor's clients, by what the socket was bound to, as it was written.</summary>
    bool Binds(string? boundName);

    /// <summary>Whether its guest may have a name: its command line says no other.</summary>
    bool MayBeCalled(string? name);

    /// <summary>
    /// Where its command line puts a balloon, by the container of its devices; none where it has none. A hint: one may be plugged later.
    /// </summary>
    IReadOnlyList<string> BalloonsLikely { get; }

    /// <summary>Whether a socket is in the process's own descriptor table; null where this user may not know.</summary>
    bool? HasSocket(uint inode);
}
