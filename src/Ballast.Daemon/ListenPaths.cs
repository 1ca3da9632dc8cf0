using System.Diagnostics;
using System.Text;

namespace Ballast.Daemon;

/// <summary>Where the daemon listens.</summary>
/// <param name="ReadWrite">For reading and changing.</param>
/// <param name="ReadOnly">For reading only.</param>
/// <param name="IsLibvirts">Whether these are paths of libvirt's daemons.</param>
/// <param name="IsChosen">Whether somebody chose them.</param>
internal sealed record ListenPaths(string ReadWrite, string ReadOnly, bool IsLibvirts, bool IsChosen)
{
    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(5), PauseForTurn = TimeSpan.FromMilliseconds(50);

    /// <exception cref="UsageException">No sockets could be there, whatever lies there.</exception>
    public static ListenPaths Choose(DaemonOptions options)
    {
        bool isRoot = UnixAccess.OwnUid == 0;
        string run = isRoot || options.Socket is not null
            ? "/run"
            : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is ['/', ..] own
                ? own
                : throw new UsageException("XDG_RUNTIME_DIR is not set: name the socket with --socket");
        string readWrite = options.Socket ?? (options.LibvirtPaths ? $"{run}/libvirt/libvirt-sock" : $"{run}/ballast/ballast-sock");
        ListenPaths paths = new(readWrite, options.ReadOnlySocket ?? readWrite + "-ro", options.LibvirtPaths, options.Socket is not null);
        foreach (string path in paths.Both)
            RequireName(path);
        return Path.GetFullPath(paths.ReadWrite) == Path.GetFullPath(paths.ReadOnly) ? throw SamePath(paths.ReadWrite) : paths;
    }

    /// <summary>Why the daemon could not listen there; changes nothing.</summary>
    public IEnumerable<Exception> Faults()
    {
        foreach (string directory in Both.Select(path => Path.GetDirectoryName(path)!).Distinct())
        {
            if (SocketDirectory.Fault(directory) is { } fault)
                yield return fault;
        }

        SocketPlace[] places = [.. Both.Where(path => Directory.Exists(Path.GetDirectoryName(path))).Select(SocketPlace.Open)];
        try
        {
            Exception[] faults = [.. PlaceFaults(places)];
            foreach (Exception fault in faults)
                yield return fault;
            if (places.FirstOrDefault(place => place.Path == ReadWrite) is { } readWrite && LockFault(readWrite, isBusy: faults.Length > 0) is { } locked)
                yield return locked;
        }
        finally
        {
            foreach (SocketPlace place in places)
                place.Dispose();
        }
    }

    /// <summary>Listens there, for nobody's but who may enter.</summary>
    /// <exception cref="UsageException">Somebody listens there, or something else is there.</exception>
    /// <exception cref="IOException">It is not possible.</exception>
    public async Task<ListenSockets> ListenAsync(uint? group)
    {
        foreach (string directory in Both.Select(path => Path.GetDirectoryName(path)!).Distinct())
        {
            if (SocketDirectory.Fault(directory) is { } fault)
                throw fault;
            SocketDirectory.Make(directory, isOurs: !IsChosen && !IsLibvirts);
            if (SocketDirectory.Fault(directory) is { } unsafeNow)
                throw unsafeNow;
        }

        ListenSockets sockets = new(SocketPlace.Open(ReadWrite), SocketPlace.Open(ReadOnly));
        try
        {
            if ((sockets.ReadWrite.Obstacle() ?? sockets.ReadOnly.Obstacle()) is { } obstacle)
                throw obstacle;
            sockets.Turn = await TakeTurnAsync(sockets.ReadWrite).ConfigureAwait(false);
            foreach (Exception fault in PlaceFaults(sockets.ReadWrite, sockets.ReadOnly))
                throw fault;
            sockets.Listen(group);
            return sockets;
        }
        catch
        {
            sockets.Dispose();
            throw;
        }
    }

    private string[] Both => [ReadWrite, ReadOnly];

    private IEnumerable<Exception> PlaceFaults(params SocketPlace[] places)
    {
        if (places is [var first, var second] && first.IsSameAs(second))
            yield return SamePath(ReadWrite);

        // libvirt's clients prefer this one, and would never come to us.
        if (IsLibvirts && HostFiles.Listener(Path.Combine(Path.GetDirectoryName(ReadWrite)!, "virtqemud-sock")).IsAlive)
            yield return new UsageException("virtqemud listens beside it: stop it first (systemctl stop virtqemud.socket virtqemud)");
        foreach (SocketPlace place in places)
        {
            if (place.Fault(who => Occupied(place.Path, who)) is { } fault)
                yield return fault;
        }
    }

    private string Occupied(string path, string who) => IsLibvirts
        ? $"a libvirt daemon{who} listens on {path}: stop it first (systemctl stop libvirtd.socket libvirtd), or leave out --libvirt-paths"
        : $"another daemon{who} listens on {path}: stop it first, or choose another path with --socket";

    private static Exception? LockFault(SocketPlace place, bool isBusy)
    {
        try
        {
            using IDisposable? turn = place.HasLock ? place.TryLock() : null;
            return turn is null && place.HasLock && !isBusy ? Busy(place) : null;
        }
        catch (Exception e) when (e is UsageException or IOException)
        {
            return e;
        }
    }

    // The file stays: who removed it could remove another one's.
    private async Task<IDisposable> TakeTurnAsync(SocketPlace place)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            if (place.TryLock() is { } turn)
                return turn;

            // One that runs says so by its socket; one that is ending is waited for.
            if (place.IsAlive && place.Fault(who => Occupied(place.Path, who)) is { } fault)
                throw fault;
            if (Stopwatch.GetElapsedTime(start) >= LongestTurn)
                throw Busy(place);
            await Task.Delay(PauseForTurn).ConfigureAwait(false);
        }
    }

    private static UsageException Busy(SocketPlace place) =>
        new($"another daemon starts or ends on {place.Path}: wait for it, or choose another path with --socket");

    private static UsageException SamePath(string path) => new($"both sockets are {path}: choose another path with --socket-ro");

    private static void RequireName(string path)
    {
        // With the descriptor of the directory before it.
        const int maxNameBytes = HostFiles.MaxAddressBytes - 19;
        string name = Path.GetFileName(path);
        if (name is "" or "." or "..")
            throw new UsageException($"{path} is not the path of a socket: name a file");
        if (Encoding.UTF8.GetByteCount(path) > HostFiles.MaxAddressBytes && Encoding.UTF8.GetByteCount(name) > maxNameBytes)
            throw new UsageException($"{path} is too long for a socket: its name may have {maxNameBytes} bytes there");
    }
}
