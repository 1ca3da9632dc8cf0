using System.Text;

namespace Ballast.Cli.Shell;

/// <summary>
/// The lines that were typed, one a line of a file that only its user may read. Each is added when it is typed, so that
/// several shells keep theirs; what is too old is removed when the next shell starts. A file that cannot be used costs the
/// history and nothing else.
/// </summary>
internal sealed class ShellHistory
{
    private const int Lines = 1000, MaxLineBytes = 4096;

    // As much as the lines that are kept may take; of a larger file the end is read.
    private const long MaxBytes = (long)Lines * MaxLineBytes;

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string? _path;
    private string? _last;

    private ShellHistory(string? path) => _path = path;

    /// <summary>The most lines that are kept.</summary>
    public static int Size => Lines;

    public static ShellHistory Open(CliHost host)
    {
        string? state = host.Variable("XDG_STATE_HOME") is ['/', ..] named ? named
            : host.Variable("HOME") is ['/', ..] home && Directory.Exists(home) ? Path.Combine(home, ".local", "state")
            : null;
        return new ShellHistory(state is null ? null : Path.Combine(state, "ballast", "history"));
    }

    /// <summary>What was typed before, the oldest first.</summary>
    public IReadOnlyList<string> Read()
    {
        if (_path is null)
            return [];
        try
        {
            // A pipe has no length, and would be waited for.
            if (new FileInfo(_path) is not { Exists: true, LinkTarget: null, Length: > 0 })
                return [];
            using FileStream file = new(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            bool isWhole = file.Length <= MaxBytes;
            file.Position = isWhole ? 0 : file.Length - MaxBytes;
            string[] all = [.. LinesOf(file).Skip(isWhole ? 0 : 1)];
            string[] kept = all.Length > Lines ? all[^Lines..] : all;
            if (all.Length > 2 * Lines || !isWhole)
                Replace(kept, file);
            _last = kept.LastOrDefault();
            return kept;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Adds a line; false where it is the one before it again, or cannot be kept.</summary>
    public bool Add(string line)
    {
        line = line.TrimEnd();
        byte[] bytes = Encoding.UTF8.GetBytes(line + "\n");
        if (line == _last || string.IsNullOrWhiteSpace(line) || bytes.Length > MaxLineBytes || line.Any(char.IsControl))
            return false;
        _last = line;
        if (_path is null)
            return true;
        try
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(_path)!, Private | UnixFileMode.UserExecute);
            if (new FileInfo(_path) is { Exists: true } there && (there.LinkTarget is not null || !IsFile(there)))
                return true;
            using FileStream file = new(_path, new FileStreamOptions
            {
                Mode = FileMode.Append,
                Access = FileAccess.Write,
                Share = FileShare.ReadWrite,
                BufferSize = 0,
                UnixCreateMode = Private,
            });
            File.SetUnixFileMode(file.SafeFileHandle, Private);
            file.Write(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is there until the shell ends.
        }

        return true;
    }

    // What has no length may be a pipe: opened to write only, it would be waited for.
    private static bool IsFile(FileInfo file)
    {
        if (file.Length > 0)
            return true;
        using FileStream stream = new(file.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        return stream.CanSeek;
    }

    private static IEnumerable<string> LinesOf(FileStream file)
    {
        using StreamReader reader = new(file, leaveOpen: true);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0)
                yield return line;
        }
    }

    /// <param name="lines">What stays.</param>
    /// <param name="former">The file, read to its end: another shell may have written on since.</param>
    private void Replace(IEnumerable<string> lines, FileStream former)
    {
        string part = $"{_path}.{Environment.ProcessId}";
        Write(part, FileMode.CreateNew, lines);
        try
        {
            File.Move(part, _path!, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(part);
            throw;
        }

        Write(_path!, FileMode.Append, LinesOf(former));
    }

    private static void Write(string path, FileMode mode, IEnumerable<string> lines)
    {
        using StreamWriter writer = new(path, new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite, UnixCreateMode = Private });
        foreach (string line in lines)
            writer.Write(line + "\n");
    }
}
