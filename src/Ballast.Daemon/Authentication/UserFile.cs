using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ballast.Server.Authentication;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Daemon.Authentication;

/// <summary>
/// The users that the daemon lets in by SASL, and what it keeps of their passwords. The first line has a secret of this file, of
/// which the answers about users who are not there are made.
/// </summary>
/// <param name="path">The file.</param>
internal sealed class UserFile(string path)
{
    /// <summary>The longest name, in bytes of UTF-8.</summary>
    public const int MaxNameBytes = 255;

    private const int MaxBytes = 4 * 1024 * 1024, SecretBytes = 32, OthersMask = 0x3F;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(10), PauseForTurn = TimeSpan.FromMilliseconds(20);

    /// <summary>Finds a user's verifier; of one who is not there, what takes its place.</summary>
    /// <exception cref="IOException">The file cannot be read, or not be trusted.</exception>
    /// <exception cref="InvalidDataException">It is none of ours.</exception>
    public (ScramVerifier Verifier, bool IsKnown) Find(string user)
    {
        (byte[] secret, SortedDictionary<string, ScramVerifier> users) = Read() ?? throw new IOException($"{path} is not there: add a user with ballastd passwd NAME");

        // Made in any case: how long it takes tells nothing.
        ScramVerifier decoy = ScramVerifier.Decoy(secret, user);
        return users.TryGetValue(user, out ScramVerifier? known) ? (known, true) : (decoy, false);
    }

    /// <summary>The names of all users, in order.</summary>
    /// <exception cref="IOException">The file cannot be read, or not be trusted.</exception>
    /// <exception cref="InvalidDataException">It is none of ours.</exception>
    public IReadOnlyList<string> Names() => [.. Read()?.Users.Keys ?? Enumerable.Empty<string>()];

    /// <summary>Keeps a user's verifier, or forgets the user.</summary>
    /// <param name="user">The user.</param>
    /// <param name="verifier">Null forgets.</param>
    /// <returns>Whether the user was there before.</returns>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    /// <exception cref="InvalidDataException">It is none of ours.</exception>
    public bool Change(string user, ScramVerifier? verifier)
    {
        // Where a link leads to is written, and locked: the link stays one, whoever comes by another one has the same lock.
        FileInfo file = new(path);
        string target = file.LinkTarget is null ? path : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        using SafeFileHandle place = HostFiles.OpenDirectory(Path.GetDirectoryName(target)!);
        using SafeFileHandle turn = HostFiles.OpenToLock(place, $"{Path.GetFileName(target)}.lock", $"{target}.lock");
        TakeTurn(turn);
        (byte[] secret, SortedDictionary<string, ScramVerifier> users) = Read() ?? (RandomNumberGenerator.GetBytes(SecretBytes), new(StringComparer.Ordinal));
        bool wasThere = users.Remove(user);
        if (verifier is not null)
            users[user] = verifier;
        else if (!wasThere)
            return false;
        Write(target, secret, users);
        return wasThere;
    }

    /// <summary>The name as clients that send it are known by it.</summary>
    /// <exception cref="UsageException">It is no name that a client can send.</exception>
    /// <exception cref="InvalidDataException">It has characters that this system cannot prepare.</exception>
    public static string Name(string user) =>
        ScramVerifier.Name(user) is { } name && !name.Contains(':', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(name) <= MaxNameBytes
            ? name
            : throw new UsageException(
                $"'{user}' is not a user name: up to {MaxNameBytes} bytes without colons, control characters and others that RFC 4013 does not allow");

    /// <summary>Why the file cannot be used; null where it can.</summary>
    public Exception? Fault()
    {
        try
        {
            return Read() is { Users.Count: > 0 } ? null : new IOException($"{path} has no users: add one with ballastd passwd NAME");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return e;
        }
    }

    private (byte[] Secret, SortedDictionary<string, ScramVerifier> Users)? Read()
    {
        // Its kind first: what is not a regular file may keep a reader waiting.
        if (HostFiles.Look(path, followsLinks: true) is not { } there)
            return null;
        if (!there.IsRegular || (there.Owner != UnixAccess.OwnUid && there.Owner != 0))
            throw new IOException($"{path} is not a plain file of this user's: chown it");
        if ((there.Mode & OthersMask) != 0)
            throw new IOException($"{path} can be used by others (mode {there.ModeText}): chmod 600 {path}");
        string[] lines = WholeFile.ReadText(path, MaxBytes).ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        if (lines is not [[':', .. var secret], ..] || Bytes(secret) is not { Length: SecretBytes } key)
            throw new InvalidDataException($"{path}:1: ballastd passwd did not write this file");
        SortedDictionary<string, ScramVerifier> users = new(StringComparer.Ordinal);
        for (int i = 1; i < lines.Length; i++)
        {
            int end = lines[i].IndexOf(':', StringComparison.Ordinal);
            string name = lines[i][..Math.Max(end, 0)];
            ScramVerifier user = (end > 0 ? ScramVerifier.Parse(lines[i][(end + 1)..]) : null)
                ?? throw new InvalidDataException($"{path}:{i + 1}: ballastd passwd did not write this line");
            if (!users.TryAdd(name, user))
                throw new InvalidDataException($"{path}:{i + 1}: '{name}' is there twice: delete the line of the old password");
        }

        return (key, users);
    }

    // One changes the file in a moment; many may at once, as a program that adds all its users.
    private void TakeTurn(SafeFileHandle turn)
    {
        for (long start = Stopwatch.GetTimestamp(); !HostFiles.TryLock(turn, path); Thread.Sleep(PauseForTurn))
        {
            if (Stopwatch.GetElapsedTime(start) >= LongestTurn)
                throw new IOException($"another ballastd passwd has been changing {path} for {LongestTurn.TotalSeconds:0} s: see why it does not end, and try again");
        }
    }

    // In its place at once, and whole: whoever reads it meanwhile has the one or the other.
    private static void Write(string path, byte[] secret, SortedDictionary<string, ScramVerifier> users)
    {
        StringBuilder text = new($":{Convert.ToBase64String(secret)}\n");
        foreach ((string user, ScramVerifier verifier) in users)
        {
            text.Append(CultureInfo.InvariantCulture, $"{user}:{verifier}\n");
        }

        string newer = path + ".new";
        File.Delete(newer);
        using (FileStream file = new(newer, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            file.Write(Encoding.UTF8.GetBytes(text.ToString()));
            file.Flush(flushToDisk: true);
        }

        File.Move(newer, path, overwrite: true);
    }

    private static byte[]? Bytes(string base64)
    {
        byte[] bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out int length) ? bytes[..length] : null;
    }
}
