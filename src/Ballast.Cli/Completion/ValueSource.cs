using Ballast.Cli.Parsing;

namespace Ballast.Cli.Completion;

/// <summary>What an option's value may be.</summary>
/// <param name="domains">The names of the domains that there are; asked only where one is wanted.</param>
internal sealed class ValueSource(Func<IEnumerable<string>> domains)
{
    private static readonly string[] Uris =
        ["qmp:///", "qemu:///system", "qemu:///session", "qemu+ssh://", "qemu+unix:///system?socket=", "test:///default", "test:///fleet"];

    public IEnumerable<Candidate> Of(CommandOption option, string typed)
    {
        if (!option.IsList)
            return option.Values().Select(value => new Candidate(value)).Concat(Of(option.Completes, typed));

        // What is before the last comma stays.
        int comma = typed.LastIndexOf(',') + 1;
        string[] given = typed[..comma].Split(',');
        return option.Values().Where(value => !given.Contains(value)).Select(value => new Candidate(typed[..comma] + value));
    }

    public IEnumerable<Candidate> Of(ValueCompletion kind, string typed) => kind switch
    {
        ValueCompletion.Domain => domains().Select(name => new Candidate(name)),
        ValueCompletion.Uri => Uris.Select(uri => new Candidate(uri) { IsOpen = uri.EndsWith('=') || uri.EndsWith("://", StringComparison.Ordinal) }),
        ValueCompletion.File => Entries(typed, withFiles: true),
        ValueCompletion.Directory => Entries(typed, withFiles: false),
        _ => [],
    };

    private static IEnumerable<Candidate> Entries(string typed, bool withFiles)
    {
        int slash = typed.LastIndexOf('/') + 1;
        string directory = typed[..slash];
        try
        {
            return
            [
                .. new DirectoryInfo(directory.Length == 0 ? "." : directory).EnumerateFileSystemInfos()
                    .Where(entry => (entry.Name[0] != '.' || typed[slash..].StartsWith('.')) && (withFiles || IsDirectory(entry)))
                    .Select(entry => IsDirectory(entry) ? new Candidate($"{directory}{entry.Name}/") { IsOpen = true } : new Candidate(directory + entry.Name)),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.SecurityException)
        {
            return [];
        }
    }

    private static bool IsDirectory(FileSystemInfo entry) => entry.Attributes.HasFlag(FileAttributes.Directory);
}
