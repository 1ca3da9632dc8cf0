using System.Net.Sockets;

namespace Ballast.Daemon;

/// <summary>Where the daemon listens.</summary>
/// <param name="ReadWrite">For reading and changing.</param>
/// <param name="ReadOnly">For reading only.</param>
internal sealed record ListenPaths(string ReadWrite, string ReadOnly)
{
    private const UnixFileMode Everybody = (UnixFileMode)0x1FF;
    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    public static ListenPaths Choose(DaemonOptions options)
    {
        bool isRoot = UnixAccess.OwnUid == 0;
        string run = isRoot
            ? "/run"
            : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } own
                ? own
                : throw new UsageException("XDG_RUNTIME_DIR is not set: name the socket with --socket");
        string readWrite = options.Socket ?? (options.LibvirtPaths ? $"{run}/libvirt/libvirt-sock" : $"{run}/ballast/ballast-sock");
        return new ListenPaths(readWrite, options.ReadOnlySocket ?? readWrite + "-ro");
    }

    /// <summary>Makes room for the sockets. One that nobody listens on any more is a leftover.</summary>
    /// <exception cref="UsageException">Somebody listens there, or something else is there.</exception>
    public void Prepare(bool isLibvirts)
    {
        foreach (string path in Both)
        {
            string directory = Path.GetDirectoryName(path)!;
            if (!Directory.Exists(directory))
                _ = Directory.CreateDirectory(directory, Everybody & ~(UnixFileMode.GroupWrite | UnixFileMode.OtherWrite));
        }

        // libvirt's clients prefer this one, and would never come to us.
        if (isLibvirts && IsAlive(Path.Combine(Path.GetDirectoryName(ReadWrite)!, "virtqemud-sock")))
            throw new UsageException("virtqemud listens beside it: stop it first (systemctl stop virtqemud.socket virtqemud)");
        foreach (string path in Both)
        {
            if (IsAlive(path))
            {
                throw new UsageException(isLibvirts
                    ? $"a libvirt daemon listens on {path}: stop it first (systemctl stop libvirtd.socket libvirtd), or leave out --libvirt-paths"
                    : $"another daemon listens on {path}: stop it first, or choose another path with --socket");
            }

            if (File.Exists(path) && (File.GetAttributes(path) & FileAttributes.Device) == 0 && new FileInfo(path).Length > 0)
                throw new UsageException($"{path} is there and is no socket");
            File.Delete(path);
        }
    }

    /// <summary>Opens the sockets, which were made private, to those who may enter.</summary>
    public void Open(uint? group)
    {
        if (group is { } gid)
        {
            UnixAccess.GiveToGroup(ReadWrite, gid);
            File.SetUnixFileMode(ReadWrite, OwnerAndGroup);
        }

        File.SetUnixFileMode(ReadOnly, Everybody);
    }

    public void Remove()
    {
        foreach (string path in Both)
            File.Delete(path);
    }

    private string[] Both => [ReadWrite, ReadOnly];

    private static bool IsAlive(string path)
    {
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e)
        {
            // Full is alive too.
            return e.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain;
        }
    }
}
