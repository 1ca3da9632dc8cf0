using Ballast.Cli.Parsing;
using Ballast.Files;

namespace Ballast.Cli.Balance;

/// <summary>How a host is to be recorded.</summary>
/// <param name="Path">The file.</param>
internal sealed record RecordPlan(string Path)
{
    /// <summary>The time between two samples; null: as the advisor would look.</summary>
    public TimeSpan? Period { get; init; }

    public TimeSpan? Duration { get; init; }

    public int? Samples { get; init; }

    public long MaxBytes { get; init; }

    public bool Replaces { get; init; }

    public string? ControlGroup { get; init; }

    /// <summary>Fails early where the file cannot be written anyway.</summary>
    public void CheckFile()
    {
        if (Directory.Exists(Path))
            throw new CommandException($"{Path} is a directory");
        if (File.Exists(Path) && !Replaces)
            throw Exists();
    }

    /// <summary>A new file, which only its user may read: it has guests' names.</summary>
    public FileStream Create()
    {
        try
        {
            bool isNew = !Replaces || MakeRoom();
            return new FileStream(Path, new FileStreamOptions
            {
                Mode = isNew ? FileMode.CreateNew : FileMode.Open,
                Access = FileAccess.Write,
                Share = FileShare.Read,
                BufferSize = 0,
                UnixCreateMode = isNew ? UnixFileMode.UserRead | UnixFileMode.UserWrite : null,
            });
        }
        catch (IOException) when (!Replaces && File.Exists(Path))
        {
            throw Exists();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot write {Path}: {FileTrouble.Why(Path, e)}");
        }
    }

    // What is written into an old file is for all who may read that one, and through a link into a file that somebody else chose.
    private bool MakeRoom()
    {
        if (FileKind.Of(Path, followsLinks: false) is not { } there)
            return true;
        if (FileKind.Of(Path, followsLinks: true) is { IsFlow: true })
            return false;
        if (there.IsLink)
        {
            File.Delete(Path);
            return true;
        }

        if (!there.IsRegular)
            return false;

        // A record that is still being written holds the lock: it must not end up in a file without a name.
        using FileStream held = new(Path, new FileStreamOptions { Share = FileShare.None });
        File.Delete(Path);
        return true;
    }

    private CommandException Exists() => new($"{Path} exists; name another file, or replace it with --force");
}
