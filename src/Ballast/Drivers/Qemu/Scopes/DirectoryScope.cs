using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>Every monitor whose socket lies in a directory; naming the directory is consent to use them all.</summary>
/// <param name="path">The directory; it need not be there yet.</param>
/// <param name="ownSockets">Paths of this program's own sockets, which may lie there: it never asks itself.</param>
/// <param name="time">By which silent services are tried again; null: the system's.</param>
internal sealed class DirectoryScope(string path, IReadOnlyList<string> ownSockets, TimeProvider? time = null) : IQemuScope
{
    // The kernel's clock of files may stand still for some milliseconds.
    private static readonly Int128 Settled = 50_000_000;

    // A socket that lies there may be listened at later, and be covered by a mount: the directory tells neither.
    private static readonly TimeSpan Untold = TimeSpan.FromSeconds(1);

    // A QEMU that was stopped or loaded when it was first met is found soon; another service has a client in its queue seldom.
    private static readonly TimeSpan FirstSilence = TimeSpan.FromSeconds(15), LongestSilence = TimeSpan.FromMinutes(10);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Dictionary<MonitorKey, (long Since, TimeSpan Length)> _disregarded = [];
    private FileFacts? _seen;
    private bool _isSettled;
    private long _lookedAt;

    /// <summary>Whether a directory lies at a path now.</summary>
    /// <exception cref="LibvirtException">Nobody can look there.</exception>
    public static bool IsAt(string path)
    {
        using LookTrouble trouble = new();
        bool isDirectory = LinuxFiles.Stat(path, followsLinks: true) is { IsDirectory: true };
        return trouble is { IsStuck: true, Unanswered: { } failure } ? throw QmpErrors.CannotLook(failure) : isDirectory;
    }

    public bool Disregard(MonitorKey key, bool isCertain)
    {
        bool isNew = !_disregarded.TryGetValue(key, out (long Since, TimeSpan Length) known);
        TimeSpan length = isNew ? FirstSilence / 2 : known.Length;
        length = length < LongestSilence / 2 ? 2 * length : LongestSilence;
        _disregarded[key] = (_time.GetTimestamp(), isCertain ? TimeSpan.MaxValue : length);
        return isNew;
    }

    /// <summary>Whether a name came or went since the last look, or what the directory does not tell may have changed.</summary>
    public bool MayHaveChanged() =>
        !_isSettled || TimeProvider.System.GetElapsedTime(_lookedAt) >= Untold || LinuxFiles.Stat(path, followsLinks: true) != _seen;

    public IEnumerable<Sighting> Look(HostView view, QemuProcesses processes)
    {
        using LookTrouble trouble = new();
        _lookedAt = TimeProvider.System.GetTimestamp();
        _seen = LinuxFiles.Stat(path, followsLinks: true);
        _isSettled = _seen is { } facts && Now() - facts.ModifiedAt > Settled;
        HashSet<MonitorKey> keys = [];
        SocketFile?[] own = [.. ownSockets.Select(socket => SocketFile.Of(socket, view.OwnMounts))];
        List<Sighting> sightings = [];
        // A directory that may be used but not listed shows nothing: its sockets can be named.
        foreach (string name in LinuxFiles.ReadNames(path).Select(name => Path.Join(path, name)))
        {
            _isSettled &= LinuxFiles.Stat(name, followsLinks: false) is { IsLink: false };
            IReadOnlyList<Sighting> seen = NamedSockets.Look(name, view, processes, findsOwner: true);
            if (seen is not [var sighting, ..])
                continue;
            MonitorKey key = sighting.Monitors[0].Endpoint!.Key;
            if (keys.Add(key) && !own.Contains(key.File) && (sighting.Process is not null || !IsDisregarded(key)))
                sightings.AddRange(seen);
        }

        // What may not be looked at now may be later, and the directory does not tell when. Other users' processes are not in it.
        _isSettled &= trouble.Failure is null && !trouble.Denied.Any(static denied => !denied.StartsWith("/proc/", StringComparison.Ordinal));
        foreach (MonitorKey gone in _disregarded.Keys.Where(key => !keys.Contains(key)).ToArray())
            _disregarded.Remove(gone);
        return sightings;
    }

    private bool IsDisregarded(MonitorKey key) =>
        _disregarded.TryGetValue(key, out (long Since, TimeSpan Length) known) && _time.GetElapsedTime(known.Since) < known.Length;

    private static Int128 Now() => (Int128)(TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
}
