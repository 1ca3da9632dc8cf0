using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Remote;

/// <summary>libvirt's file of names and passwords for its clients: which credentials are for which host.</summary>
internal static class AuthFile
{
    private const int MaxBytes = 1024 * 1024;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private const string Service = "libvirt", Default = "default";

    /// <summary>What a file says about a host; null where it does not.</summary>
    /// <param name="Name">The user's name.</param>
    /// <param name="Password">The user's password.</param>
    public readonly record struct Credentials(string? Name, string? Password);

    /// <summary>What the user's file says about a host.</summary>
    /// <param name="named">The file that a URI names; null: none.</param>
    /// <param name="host">The host, as the URI names it; <c>localhost</c> where it names none.</param>
    /// <param name="user">The user that the URI names; null: none.</param>
    /// <exception cref="LibvirtException">A file that was named cannot be read, or contradicts itself or the URI.</exception>
    public static Credentials Find(string? named, string host, string? user = null)
    {
        string? path = Environment.GetEnvironmentVariable("LIBVIRT_AUTH_FILE") is { Length: > 0 } variable ? variable : named;
        path ??= Places().FirstOrDefault(File.Exists);
        if (path is null)
            return default;
        try
        {
            Credentials found = Parse(Read(path), host, path);

            // libvirt's client takes the file's without a word: who meant the URI's would act as somebody else.
            if (user is not null && found.Name is not null && found.Name != user)
            {
                throw RemoteAuthentication.Failed(
                    $"the URI names user {DisplayText.Quote(user)}, and the auth file {path} user {DisplayText.Quote(found.Name)} for {host}: name the same in both, or one of them only");
            }

            return found;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw RemoteAuthentication.Failed($"the auth file {path} cannot be read: {e.Message}");
        }
    }

    /// <exception cref="LibvirtException">It names credentials that it does not have.</exception>
    public static Credentials Parse(string text, string host, string path)
    {
        Dictionary<string, Dictionary<string, string>> sections = [];
        Dictionary<string, string> section = [];
        foreach (string line in text.Split('\n').Select(line => line.Trim()))
        {
            if (line.Length == 0 || line[0] is '#' or ';')
                continue;
            if (line is ['[', .., ']'])
                section = sections[line[1..^1]] = sections.GetValueOrDefault(line[1..^1]) ?? [];
            else if (line.Split('=', 2) is [var name, var value])
                section[name.Trim()] = value.Trim();
        }

        if ((sections.GetValueOrDefault($"auth-{Service}-{host}") ?? sections.GetValueOrDefault($"auth-{Service}-{Default}")) is not { } entry)
            return default;
        if (!entry.TryGetValue("credentials", out string? group))
            throw RemoteAuthentication.Failed($"the auth file {path} names no credentials for {host}");
        return sections.GetValueOrDefault($"credentials-{group}") is { } credentials
            ? new(credentials.GetValueOrDefault("authname"), credentials.GetValueOrDefault("password"))
            : throw RemoteAuthentication.Failed($"the auth file {path} has no section [credentials-{group}]");
    }

    private static string Read(string path)
    {
        // So a pipe that nobody writes to is empty, instead of a wait without an end.
        const int readOnly = 0, nonBlocking = 0x800, closeOnExec = 0x80000;
        using SafeFileHandle file = new(Libc.Open(path, readOnly | nonBlocking | closeOnExec), ownsHandle: true);
        if (file.IsInvalid)
            throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
        using FileStream stream = new(file, FileAccess.Read, bufferSize: 0);
        byte[] bytes = new byte[MaxBytes];
        try
        {
            int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length < bytes.Length ? Strict.GetString(bytes, 0, length) : throw new IOException("it is too long");
        }
        catch (DecoderFallbackException)
        {
            // A password with something else in the place of its letters would be another one.
            throw new IOException("it is not UTF-8: convert it (iconv -t UTF-8)");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static IEnumerable<string> Places()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string config = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } own ? own : Path.Combine(home, ".config");
        return [Path.Combine(config, "libvirt/auth.conf"), "/etc/libvirt/auth.conf"];
    }
}
