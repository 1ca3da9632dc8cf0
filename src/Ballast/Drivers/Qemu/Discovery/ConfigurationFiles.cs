namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Reads the files that one command line names; a hostile one may name a file very often, or a large one.</summary>
/// <param name="readFile">Reads a file of the process's; null where nothing may be read.</param>
internal sealed class ConfigurationFiles(Func<string, string?>? readFile)
{
    private const int MaxFiles = 16;
    private const int MaxFileLength = 1024 * 1024;

    private int _count;

    /// <summary>The first file that could not be read.</summary>
    public string? Unread { get; private set; }

    public IEnumerable<ConfigurationGroup> Read(string path)
    {
        if (TryRead(path) is { Length: <= MaxFileLength } text)
            return ConfigurationFile.Read(text);
        Unread ??= path;
        return [];
    }

    private string? TryRead(string path)
    {
        if (readFile is null || _count++ >= MaxFiles)
            return null;
        try
        {
            return readFile(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }
}
