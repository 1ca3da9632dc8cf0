namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>One unix socket as the kernel's socket diagnosis tells of it; valid during the call that gives it.</summary>
internal ref struct UnixSocketMessage
{
    /// <summary>The socket's own inode, as in /proc/PID/fd.</summary>
    public uint Inode { get; set; }

    /// <summary>The inode of the socket at the other end; 0 where there is none, or nobody asked.</summary>
    public uint Peer { get; set; }

    /// <summary>Whether it waits for clients; one that is not is somebody's connection.</summary>
    public bool IsListening { get; set; }

    /// <summary>The path it was bound to, as it was written; empty where there is none.</summary>
    public ReadOnlySpan<byte> Name { get; set; }

    /// <summary>The entry that it was bound to; connections that it accepted have the same.</summary>
    public SocketFile? File { get; set; }

    /// <summary>The inodes of the clients that wait to be accepted; 0 for those that left.</summary>
    public ReadOnlySpan<uint> Waiting { get; set; }
}

/// <summary>Takes a socket.</summary>
internal delegate void TakeUnixSocket(in UnixSocketMessage socket);
