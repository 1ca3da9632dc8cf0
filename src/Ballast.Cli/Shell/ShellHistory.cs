using System.Text;

namespace Ballast.Cli.Shell;

/// <summary>
/// The lines that were typed, one a line of a file that only its user may read. Each is added when it is typed, so that
/// several shells keep theirs; what is too old is removed when the next shell starts. A file that cannot be used costs the
/// history and nothing else.
/// </summary>
internal sealed class ShellHistory
{
    private const int Lines = 1000, MaxBytes = 1 << 20, MaxLineBytes = 4096;
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
            if (new FileInfo(_path) is not { Exists: true, LinkTarget: null, Length: > 0 and var length } || length > 2 * MaxBytes)
                return [];
            string[] all = [.. File.ReadLines(_path).Where(line => line.Length > 0)];
            string[] kept = all.Length > Lines ? all[^Lines..] : all;
            if (all.Length > 2 * Lines || length > MaxBytes)
                Replace(kept);
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
            if (new FileInfo(_path) is { Exists: true, LinkTarget: not null } or { Exists: true, Length: > 2 * MaxBytes })
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

    private void Replace(IEnumerable<string> lines)
    {
        string part = $"{_path}.{Environment.ProcessId}";
        using (StreamWriter writer = new(part, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
        {
            foreach (string line in lines)
                writer.Write(line + "\n");
        }

        File.Move(part, _path!, overwrite: true);
    }
}
