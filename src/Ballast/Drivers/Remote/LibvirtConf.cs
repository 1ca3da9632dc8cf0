using System.Text.RegularExpressions;

namespace Ballast.Drivers.Remote;

/// <summary>What libvirt's clients read from libvirt.conf: the URI for those who name none, and names for URIs.</summary>
internal sealed partial record LibvirtConf(string? DefaultUri, IReadOnlyList<string> Aliases)
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
        text = Comment().Replace(text, "");
        string[] aliases = AliasList().Match(text) is { Success: true } list ? [.. Alias().Matches(list.Groups[1].Value).Select(alias => alias.Groups[1].Value)] : [];
        return new LibvirtConf(Default().Match(text) is { Success: true } found ? found.Groups[1].Value : null, aliases);
    }

    /// <summary>The URI that a name stands for; null: none.</summary>
    /// <exception cref="LibvirtException">An entry before that is malformed.</exception>
    public string? Find(string name)
    {
        foreach (string entry in Aliases)
        {
            if (entry.Split('=', 2) is not [var alias, var uri])
                throw Malformed(entry, "expected 'alias=uri://host/path'");
            if (!alias.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
                throw Malformed(entry, "aliases may only contain 'a-Z, 0-9, _, -'");
            if (alias == name)
                return uri;
        }

        return null;
    }

    private static LibvirtException Malformed(string entry, string expected) => LibvirtError.Report(
        ErrorCode.ConfigurationSyntax, ErrorOrigin.None, $"Malformed 'uri_aliases' config entry '{entry}', {expected}");

    [GeneratedRegex("^[ \\t]*uri_default[ \\t]*=[ \\t]*[\"']([^\"'\\n]+)[\"']", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Default();

    [GeneratedRegex("^[ \\t]*uri_aliases[ \\t]*=[ \\t]*\\[([^\\]]*)\\]", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex AliasList();

    [GeneratedRegex("[\"']([^\"'\\n]*)[\"']", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Alias();

    [GeneratedRegex("^[ \\t]*#.*$", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Comment();
}
