using System.Globalization;

namespace Ballast.Daemon;

/// <summary>The directory that a socket lies in. Whoever may write there, or in one above it, could put a socket of its own in our place.</summary>
internal static class SocketDirectory
{
    private const uint Root = 0;
    private const UnixFileMode Owners = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Entered = Owners
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    // A session's daemon serves its user, the system's everybody who may: to be let in or not is for the sockets to say.
    private static UnixFileMode Mode => UnixAccess.OwnUid == Root ? Entered : Owners;

    // In a user namespace that does not know all users, root of the host is seen as the one that stands for the others.
    private static readonly uint? Unknown = SeesAllUsers() ? null : 65534;

    /// <summary>Makes it where it is not there, with the ones above it.</summary>
    /// <param name="directory">An absolute path.</param>
    /// <param name="isOurs">Whether nobody chose it: then it gets the right mode also where it was there.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void Make(string directory, bool isOurs)
    {
        if (HostFiles.Look(directory, followsLinks: true) is { } there)
        {
            if (isOurs && there.IsDirectory && there.Owner == UnixAccess.OwnUid)
                File.SetUnixFileMode(directory, Mode);
            return;
        }

        if (Path.GetDirectoryName(directory) is { } above)
            Make(above, isOurs: false);
        try
        {
            _ = Directory.CreateDirectory(directory, Mode);

            // Whatever the umask took away.
            File.SetUnixFileMode(directory, Mode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{directory} cannot be made: {e.Message}");
        }
    }

    /// <summary>Why no socket may lie there, or, where it is to be made, could not; null where it may.</summary>
    public static Exception? Fault(string directory)
    {
        try
        {
            string existing = directory;
            HostFile? there;
            while ((there = HostFiles.Look(existing, followsLinks: true)) is null)
                existing = Path.GetDirectoryName(existing)!;
            if (there is { IsDirectory: false })
                return new UsageException($"{existing} is not a directory: choose another path with --socket");

            // Both the way there and the place: a link leads where its directory's owner wants.
            foreach (string each in WithThoseAbove(existing).Concat(WithThoseAbove(HostFiles.RealPath(existing))))
            {
                if (HostFiles.Look(each, followsLinks: true) is { } directoryThere && Mistrust(each, directoryThere) is { } why)
                    return new UsageException($"{why}, or choose another place with --socket");
            }

            HostFiles.RequireWritable(existing);
            return null;
        }
        catch (IOException e)
        {
            return e;
        }
    }

    private static string? Mistrust(string path, HostFile directory)
    {
        if (directory.Owner != Root && directory.Owner != UnixAccess.OwnUid && directory.Owner != Unknown)
            return string.Create(CultureInfo.InvariantCulture, $"{path} belongs to user {directory.Owner}, who could replace the daemon's sockets: chown it");
        return directory.IsReplacedByOthers
            ? $"others may write in {path} (mode {directory.ModeText}), and could replace the daemon's sockets: chmod go-w it"
            : null;
    }

    private static IEnumerable<string> WithThoseAbove(string path)
    {
        for (string? each = path; each is not null; each = Path.GetDirectoryName(each))
            yield return each;
    }

    private static bool SeesAllUsers()
    {
        try
        {
            return File.ReadAllText("/proc/self/uid_map").TrimEnd().EndsWith(" 4294967295", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
