using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ballast;

/// <summary>
/// A connection URI in libvirt's grammar: <c>driver[+transport]://[user@][host][:port]/path[?name=value&amp;…]</c>.
/// Parameters are separated by <c>&amp;</c> or <c>;</c> and their names are not case-sensitive.
/// </summary>
public sealed class ConnectUri
{
    /// <summary>The maximum length of a URI, in characters.</summary>
    public const int MaxLength = 8192;

    private ConnectUri(string original) => Original = original;

    /// <summary>The URI as it was given.</summary>
    public string Original { get; }

    /// <summary>The driver: the part of the scheme before <c>+</c>.</summary>
    public string Driver { get; private init; } = "";

    /// <summary>The transport: the part of the scheme after <c>+</c>, in lower case; null if there is none.</summary>
    public string? Transport { get; private init; }

    /// <summary>The user, or null.</summary>
    public string? User { get; private init; }

    /// <summary>The host, without the brackets of an IPv6 address; empty if there is none.</summary>
    public string Host { get; private init; } = "";

    /// <summary>The port, or null.</summary>
    public int? Port { get; private init; }

    /// <summary>
    /// The path, percent-decoded; empty where there is none. A byte that belongs to no character of UTF-8 (<c>%FF</c>) is one of the
    /// code units U+DC80 to U+DCFF.
    /// </summary>
    public string Path { get; private init; } = "";

    /// <summary>The parameters in their order, percent-decoded; a name without <c>=</c> has the empty value.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Parameters { get; private init; } = [];

    /// <summary>The value of the last parameter with the given name, in any case; null if there is none.</summary>
    public string? Parameter(string name)
    {
        for (int i = Parameters.Count - 1; i >= 0; i--)
        {
            if (Parameters[i].Key.Equals(name, StringComparison.OrdinalIgnoreCase))
                return Parameters[i].Value;
        }

        return null;
    }

    /// <summary>Reads a URI.</summary>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InternalError"/>: the text is not a URI. <see cref="ErrorCode.NoConnect"/>: it names no driver.
    /// </exception>
    public static ConnectUri Parse(string uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (TryParse(uri, out ConnectUri? parsed))
            return parsed;
        bool hasNoDriver = uri.Length > 0 && uri.AsSpan().IndexOfAny(":% \n") < 0;
        throw hasNoDriver
            ? LibvirtError.Report(ErrorCode.NoConnect, ErrorOrigin.None, $"URI '{Shorten(uri)}' does not include a driver name{Suggestion(uri)}")
            : LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Uri, $"Unable to parse URI {Shorten(uri)}");
    }

    // A path alone is meant for a monitor, or for a daemon by the usual names of their sockets.
    private static string Suggestion(string uri) =>
        uri[0] != '/' ? ""
        : System.IO.Path.GetFileName(uri) is "ballast-sock" or "libvirt-sock" or "virtqemud-sock" ? $"; did you mean qemu+unix:///system?socket={uri}"
        : $"; did you mean qmp://{uri}";

    /// <summary>Reads a URI; returns false if the text is not a URI.</summary>
    public static bool TryParse(string uri, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ConnectUri? parsed)
    {
        ArgumentNullException.ThrowIfNull(uri);
        parsed = null;
        if (uri.Length > MaxLength || uri.AsSpan().IndexOfAnyInRange('\0', ' ') >= 0)
            return false;

        int colon = uri.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || !IsScheme(uri.AsSpan(0, colon)))
            return false;

        string scheme = uri[..colon];
        int plus = scheme.IndexOf('+', StringComparison.Ordinal);
        ReadOnlySpan<char> rest = uri.AsSpan(colon + 1);

        int hash = rest.IndexOf('#');
        if (hash >= 0)
            rest = rest[..hash];
        int question = rest.IndexOf('?');
        ReadOnlySpan<char> query = question >= 0 ? rest[(question + 1)..] : default;
        if (question >= 0)
            rest = rest[..question];

        string? user = null;
        string host = "";
        int? port = null;
        if (rest.StartsWith("//"))
        {
            rest = rest[2..];
            int slash = rest.IndexOf('/');
            ReadOnlySpan<char> authority = slash >= 0 ? rest[..slash] : rest;
            rest = slash >= 0 ? rest[slash..] : default;
            if (!TryReadAuthority(authority, out user, out host, out port))
                return false;
        }

        if (!TryDecodePath(rest, out string? path) || !TryReadQuery(query, out List<KeyValuePair<string, string>>? parameters))
            return false;

        parsed = new ConnectUri(uri)
        {
            Driver = plus >= 0 ? scheme[..plus] : scheme,
            Transport = plus >= 0 ? scheme[(plus + 1)..].ToLowerInvariant() : null,
            User = user,
            Host = host,
            Port = port,
            Path = path,
            Parameters = parameters,
        };
        return true;
    }

    /// <summary>The URI as it was given.</summary>
    public override string ToString() => Original;

    private static bool IsScheme(ReadOnlySpan<char> scheme)
    {
        if (!char.IsAsciiLetter(scheme[0]))
            return false;
        foreach (char c in scheme)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
                return false;
        }

        return true;
    }

    private static bool TryReadAuthority(ReadOnlySpan<char> authority, out string? user, out string host, out int? port)
    {
        user = null;
        host = "";
        port = null;
        int at = authority.LastIndexOf('@');
        if (at >= 0)
        {
            if (!TryDecode(authority[..at], out user))
                return false;
            authority = authority[(at + 1)..];
        }

        ReadOnlySpan<char> portText = default;
        if (authority.StartsWith("["))
        {
            int close = authority.IndexOf(']');
            if (close < 0)
                return false;

            host = Address(authority[1..close]);
            portText = authority[(close + 1)..];
        }
        else
        {
            int colon = authority.IndexOf(':');
            if (!TryDecode(colon >= 0 ? authority[..colon] : authority, out string? name))
                return false;
            host = name;
            portText = colon >= 0 ? authority[colon..] : default;
        }

        if (portText.IsEmpty)
            return true;
        if (portText[0] != ':' || !int.TryParse(portText[1..], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            || number > 65535)
        {
            return false;
        }

        port = number;
        return true;
    }

    // A zone is behind %25, or behind a bare %, which libvirt takes too, and which begins no encoded character then.
    private static string Address(ReadOnlySpan<char> text)
    {
        int percent = text.IndexOf('%');
        bool hasBareZone = percent > 0 && !text[percent..].StartsWith("%25")
            && IPAddress.TryParse(text[..percent], out IPAddress? known) && known.AddressFamily == AddressFamily.InterNetworkV6;
        return !hasBareZone && TryDecode(text, out string? decoded) && IPAddress.TryParse(decoded.Split('%')[0], out _) ? decoded : text.ToString();
    }

    private static bool TryReadQuery(
        ReadOnlySpan<char> query, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out List<KeyValuePair<string, string>>? parameters)
    {
        parameters = [];
        foreach (Range range in query.SplitAny('&', ';'))
        {
            ReadOnlySpan<char> pair = query[range];
            if (pair.IsEmpty)
                continue;
            int equals = pair.IndexOf('=');
            if (equals == 0)
                continue;
            if (!TryDecode(equals > 0 ? pair[..equals] : pair, out string? name)
                || !TryDecode(equals > 0 ? pair[(equals + 1)..] : default, out string? value))
            {
                return false;
            }

            parameters.Add(new(name, value));
        }

        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? decoded)
    {
        decoded = null;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
                continue;
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                return false;
        }

        decoded = Uri.UnescapeDataString(text.ToString());
        return !decoded.Contains('\0', StringComparison.Ordinal);
    }

    // A path is bytes to Linux, and these may be no text.
    private static bool TryDecodePath(ReadOnlySpan<char> text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? path)
    {
        if (!TryDecode(text, out path))
            return false;
        if (!path.Contains('%', StringComparison.Ordinal))
            return true;
        byte[] bytes = PathText.Encode(text.ToString());
        int length = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            bool isEncoded = bytes[i] == '%';
            bytes[length++] = isEncoded ? byte.Parse(bytes.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : bytes[i];
            i += isEncoded ? 2 : 0;
        }

        path = PathText.Decode(bytes.AsSpan(0, length));
        return true;
    }

    private static string Shorten(string uri) => uri.Length <= 200 ? uri : string.Concat(uri.AsSpan(0, 200), "…");
}
