using System.Diagnostics;
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

    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(5), PauseForTurn = TimeSpan.FromMilliseconds(50);

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

    /// <summary>
    /// Makes room for the sockets. One that nobody listens on any more is a leftover. What this returns is disposed when they
    /// were removed: a daemon that ends must not take away the sockets of one that has just begun.
    /// </summary>
    /// <exception cref="UsageException">Somebody listens there, or something else is there.</exception>
    public async Task<IDisposable> PrepareAsync(bool isLibvirts)
    {
        foreach (string path in Both)
        {
            string directory = Path.GetDirectoryName(path)!;
            if (!Directory.Exists(directory))
                _ = Directory.CreateDirectory(directory, Everybody & ~(UnixFileMode.GroupWrite | UnixFileMode.OtherWrite));
        }

        FileStream turn = await TakeTurnAsync().ConfigureAwait(false);
        try
        {
            MakeRoom(isLibvirts);
            return turn;
        }
        catch
        {
            await turn.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private void MakeRoom(bool isLibvirts)
    {
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

    // The file stays: who removed it could remove another one's.
    private async Task<FileStream> TakeTurnAsync()
    {
        string path = ReadWrite + ".lock";
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException) && File.Exists(path))
            {
                // One that runs says so by its socket; one that is ending is waited for.
                if (IsAlive(ReadWrite) || Stopwatch.GetElapsedTime(start) >= LongestTurn)
                    throw new UsageException($"another daemon listens on {ReadWrite}: stop it first, or choose another path with --socket");
                await Task.Delay(PauseForTurn).ConfigureAwait(false);
            }
        }
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
