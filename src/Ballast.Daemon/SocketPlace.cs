using System.Globalization;
using System.Text;
using Ballast.Server;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Daemon;

/// <summary>
/// The place of one socket. What lies there is replaced only where it is a socket that nobody listens on, and taken away
/// only where it is the one that was put there.
/// </summary>
internal sealed class SocketPlace : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly SafeFileHandle _directory;
    private readonly string _name;
    private SafeFileHandle? _listener;
    private HostFile? _own;

    private SocketPlace(string path, SafeFileHandle directory)
    {
        Path = path;
        _directory = directory;
        _name = System.IO.Path.GetFileName(path);
    }

    public string Path { get; }

    /// <summary>The number of the descriptor on which clients are accepted.</summary>
    public ulong Descriptor => (ulong)_listener!.DangerousGetHandle();

    private string LockName => _name + ".lock";

    private string LockPath => Path + ".lock";

    // An address is short; a descriptor of the directory makes it so. Whoever connects can do the same.
    private string Address =>
        Encoding.UTF8.GetByteCount(Path) <= HostFiles.MaxAddressBytes ? Path : $"/proc/self/fd/{_directory.DangerousGetHandle()}/{_name}";

    /// <exception cref="IOException">Its directory cannot be opened.</exception>
    public static SocketPlace Open(string path) => new(path, HostFiles.OpenDirectory(System.IO.Path.GetDirectoryName(path)!));

    public bool IsSameAs(SocketPlace other) =>
        _name == other._name && HostFiles.LookAt(_directory, Path).Id == HostFiles.LookAt(other._directory, other.Path).Id;

    /// <summary>Whether somebody listens there.</summary>
    public bool IsAlive => HostFiles.Listener(Address).IsAlive;

    /// <summary>What lies there and is never taken away; null where there is none.</summary>
    public UsageException? Obstacle() => HostFiles.Look(_directory, _name) is { IsSocket: false }
        ? new UsageException($"{Path} exists and is not a socket: remove it, or choose another path with --socket")
        : null;

    /// <summary>Why no socket may be put there; null where it may.</summary>
    /// <param name="advice">What to do where somebody listens.</param>
    public Exception? Fault(Func<string, string> advice)
    {
        if (Obstacle() is { } obstacle)
            return obstacle;
        if (HostFiles.Look(_directory, _name) is not { } there)
            return null;
        (bool isAlive, int? pid) = HostFiles.Listener(Address);
        if (isAlive)
            return new UsageException(advice(pid is { } known ? $", {LibvirtServer.DescribeProcess(known)}," : ""));
        return there.Owner == UnixAccess.OwnUid || UnixAccess.OwnUid == 0
            ? null
            : new UsageException(string.Create(
                CultureInfo.InvariantCulture, $"{Path} is a socket of user {there.Owner}: remove it, or choose another path with --socket"));
    }

    /// <summary>Whether there is a lock to be had, or something in its place.</summary>
    public bool HasLock => HostFiles.Look(_directory, LockName) is not null;

    /// <summary>The lock of whoever listens there; null where another one has it.</summary>
    /// <exception cref="UsageException">Something else lies in its place.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public IDisposable? TryLock()
    {
        // Its type first: what is not a regular file may not even be possible to open.
        if (HostFiles.Look(_directory, LockName) is { } there)
            RequireOwnFile(there);
        SafeFileHandle file = HostFiles.OpenToLock(_directory, LockName, LockPath);
        try
        {
            RequireOwnFile(HostFiles.LookAt(file, LockPath));
            if (HostFiles.TryLock(file, LockPath))
                return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }

        file.Dispose();
        return null;
    }

    /// <summary>Puts the socket there in place of a leftover.</summary>
    /// <param name="mode">Who may connect.</param>
    /// <param name="group">Whose it is then; null leaves that.</param>
    /// <exception cref="IOException">It cannot be put there.</exception>
    public void Listen(UnixFileMode mode, uint? group)
    {
        HostFiles.Remove(_directory, _name, Path);
        _listener = HostFiles.Listen(Address, Path, () =>
        {
            _own = HostFiles.Look(_directory, _name);
            Open(mode, group);
        });
    }

    /// <summary>Says who may connect.</summary>
    /// <exception cref="IOException">It cannot be given to the group.</exception>
    public void Open(UnixFileMode mode, uint? group)
    {
        // By a descriptor: what lies at the path may be another's by now, or a link to it.
        using SafeFileHandle entry = HostFiles.OpenEntry(_directory, _name, Path);
        if (_own is not { } own || HostFiles.LookAt(entry, Path).Id != own.Id)
            throw new IOException($"{Path} is no longer this daemon's socket, so no client can connect: restart the daemon");
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{entry.DangerousGetHandle()}");

        // Nobody else's before it is said whose it is.
        UnixFileMode before = File.GetUnixFileMode(path);
        File.SetUnixFileMode(path, OwnerOnly);
        try
        {
            if (group is { } gid)
                UnixAccess.GiveToGroup(path, gid, Path);
        }
        catch
        {
            // Those who could connect still can.
            File.SetUnixFileMode(path, before);
            throw;
        }

        File.SetUnixFileMode(path, mode);
    }

    /// <summary>Takes the socket away, where it is still ours. As long as we have it, no other file can be told by its numbers.</summary>
    public void Remove()
    {
        if (_own is not { } own || _listener is null)
            return;
        try
        {
            if (HostFiles.Look(_directory, _name) is { } there && there.Id == own.Id)
                HostFiles.Remove(_directory, _name, Path);
        }
        catch (IOException)
        {
            // A directory that was taken away, or may not be written any more: then it stays.
        }

        _own = null;
    }

    public void Dispose()
    {
        Remove();
        _listener?.Dispose();
        _directory.Dispose();
    }

    private void RequireOwnFile(in HostFile file)
    {
        if (!file.IsRegular || file.Owner != UnixAccess.OwnUid || file.Links != 1)
            throw new UsageException($"{LockPath} is not a plain file of this user's: remove it, or choose another path with --socket");
    }
}
