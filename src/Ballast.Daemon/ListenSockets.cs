namespace Ballast.Daemon;

/// <summary>The daemon's two sockets, from when it has its turn there to its end.</summary>
internal sealed class ListenSockets(SocketPlace readWrite, SocketPlace readOnly) : IListenSockets
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerAndGroup = Owner | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode Everybody = (UnixFileMode)0x1FF;

    public SocketPlace ReadWrite => readWrite;

    public SocketPlace ReadOnly => readOnly;

    public ulong? ReadWriteDescriptor => readWrite.Descriptor;

    public ulong? ReadOnlyDescriptor => readOnly.Descriptor;

    public string Description => $"{readWrite.Path} and {readOnly.Path}";

    /// <summary>Given up when the sockets are gone: a daemon that ends must not take away those of one that has just begun.</summary>
    public IDisposable? Turn { get; set; }

    public void Listen(uint? group)
    {
        readWrite.Listen(group is null ? Owner : OwnerAndGroup, group);
        readOnly.Listen(Everybody, group: null);
    }

    /// <summary>Lets another group in.</summary>
    /// <exception cref="IOException">The socket cannot be given to it.</exception>
    public void OpenTo(uint? group) => readWrite.Open(group is null ? Owner : OwnerAndGroup, group);

    public void Remove()
    {
        readWrite.Remove();
        readOnly.Remove();
    }

    public void Dispose()
    {
        readWrite.Dispose();
        readOnly.Dispose();
        Turn?.Dispose();
    }
}
