using System.Text.RegularExpressions;

namespace Ballast.Drivers.Remote;

/// <summary>What libvirt's clients read from libvirt.conf: the URI for those who name none, and names for URIs.</summary>
internal sealed partial record LibvirtConf(string? DefaultUri, IReadOnlyDictionary<string, string> Aliases)
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>The user's file, or for root the system's; a file that is not there says nothing.</summary>
    public static LibvirtConf Read()
    {
        string path = Environment.IsPrivilegedProcess
            ? "/etc/libvirt/libvirt.conf"
            : Path.Combine(
                Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } config
                    ? config
                    : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config"),
                "libvirt/libvirt.conf");
        try
        {
            return new FileInfo(path) is { Exists: true, Length: <= MaxBytes } ? Parse(File.ReadAllText(path)) : Parse("");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Parse("");
        }
    }

    public static LibvirtConf Parse(string text)
    {
        Dictionary<string, string> aliases = [];
        text = Comment().Replace(text, "");
        if (AliasList().Match(text) is { Success: true } list)
        {
            foreach (Match alias in Alias().Matches(list.Groups[1].Value))
                aliases[alias.Groups[1].Value] = alias.Groups[2].Value;
        }

        return new LibvirtConf(Default().Match(text) is { Success: true } found ? found.Groups[1].Value : null, aliases);
    }

    [GeneratedRegex("^[ \\t]*uri_default[ \\t]*=[ \\t]*[\"']([^\"'\\n]+)[\"']", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Default();

    [GeneratedRegex("^[ \\t]*uri_aliases[ \\t]*=[ \\t]*\\[([^\\]]*)\\]", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex AliasList();

    [GeneratedRegex("[\"']([A-Za-z0-9_-]+)=([^\"'\\n]+)[\"']", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Alias();

    [GeneratedRegex("^[ \\t]*#.*$", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Comment();
}
