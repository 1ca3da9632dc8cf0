using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu;

/// <summary>Every monitor whose socket lies in a directory; naming the directory is consent to use them all.</summary>
internal sealed class QemuDirectory : IQemuSource
{
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, NamedQemu> _monitors = [];

    public QemuDirectory(string path, TimeProvider time)
    {
        _path = RealPath.Of(path);
        _time = time;
    }

    public async ValueTask<IReadOnlyList<QemuDomain>> RefreshAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        IReadOnlyList<QemuDomain>[] found = await Task.WhenAll(Monitors().Select(
            async monitor => await monitor.RefreshAsync(timeout, cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
        return [.. found.SelectMany(domains => domains).OrderBy(domain => domain.Identity.Id)];
    }

    public QemuDomain? Find(Guid uuid)
    {
        NamedQemu[] monitors;
        lock (_gate)
            monitors = [.. _monitors.Values];
        return monitors.Select(monitor => monitor.Find(uuid)).FirstOrDefault(domain => domain is not null);
    }

    public async ValueTask DisposeAsync()
    {
        NamedQemu[] monitors;
        lock (_gate)
        {
            monitors = [.. _monitors.Values];
            _monitors.Clear();
        }

        foreach (NamedQemu monitor in monitors)
            await monitor.DisposeAsync().ConfigureAwait(false);
    }

    // Only sockets that somebody listens on: the kernel's table knows them, and no file is touched. It is long on a busy
    // host, so it is read only when a name is in the directory that is no known monitor's.
    private NamedQemu[] Monitors()
    {
        HashSet<string> names;
        lock (_gate)
            names = [.. _monitors.Keys.Select(path => Path.GetFileName(path))];
        string[] listening = HasOtherNames(names) ? [.. Listening()] : [];
        lock (_gate)
        {
            foreach (string path in listening)
            {
                if (!_monitors.ContainsKey(path))
                    _monitors[path] = new NamedQemu(path, _time);
            }

            return [.. _monitors.Values];
        }
    }

    private bool HasOtherNames(HashSet<string> known)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(_path).Any(path => !known.Contains(Path.GetFileName(path)));
        }
        catch (DirectoryNotFoundException)
        {
            return false; // Not yet, or no more.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true; // It may be used without being listed.
        }
    }

    private IEnumerable<string> Listening()
    {
        // Most sockets of a host lie in few directories, and each is followed once.
        Dictionary<string, bool> isHere = new() { [_path] = true };
        foreach (string path in UnixSocketTable.Listening())
        {
            if (Path.GetDirectoryName(path) is not { } directory)
                continue;
            if (!isHere.TryGetValue(directory, out bool here))
                isHere[directory] = here = RealPath.Of(directory) == _path;
            if (here)
                yield return path;
        }
    }
}
