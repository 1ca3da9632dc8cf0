namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Reads the files that one command line names; a hostile one may name a file very often, or a large one.</summary>
/// <param name="readFile">Reads a file of the process's; null where nothing may be read.</param>
internal sealed class ConfigurationFiles(Func<string, ConfigurationText?>? readFile)
{
    private const int MaxFiles = 16;
    private const int MaxFileLength = 1024 * 1024;

    private int _count;

    /// <summary>The first file that could not be read, or not for certain as the process read it.</summary>
    public string? Unread { get; private set; }

    /// <param name="path">The file, as it was written.</param>
    /// <param name="isSure">Whether it says all that QEMU read there, and nothing else.</param>
    public IEnumerable<ConfigurationGroup> Read(string path, out bool isSure)
    {
        ConfigurationText? file = TryRead(path);
        IEnumerable<ConfigurationGroup> groups = file is { Text.Length: <= MaxFileLength } ? ConfigurationFile.Read(file.Text) : [];
        isSure = file is { IsCertain: true, MayBeYounger: false, Text.Length: <= MaxFileLength };
        if (file is { IsCertain: true, Text.Length: <= MaxFileLength })
            return groups;
        Unread ??= path;

        // Whose the monitors are that another one's file names is seen by their sockets; all else would be taken for this one's.
        return groups.Where(static group => group.Name is "chardev" or "mon");
    }

    private ConfigurationText? TryRead(string path)
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
