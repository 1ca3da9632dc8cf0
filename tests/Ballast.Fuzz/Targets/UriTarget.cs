using System.Text;

namespace Ballast.Fuzz.Targets;

/// <summary>Connection URIs, as UTF-8; behind a byte 0xFF as UTF-16, for text that no UTF-8 can be.</summary>
internal sealed class UriTarget : FuzzTarget
{
    public override string Name => "uri";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            "qmp:///", "qemu:///system", "test:///default", "+unix", "+TLS", "://", "//", "/", ":", "@", "[", "]", "[::1]", "?", "&",
            ";", "=", "#", "%", "%00", "%2F", "%2f", "%25", "%ff", "%C3%A9", "%", "%4", "+", ".", "-", "timeout=2s", "socket=/run/x",
            "é", "\U0001F4BE", "\u0000", " ", "\t", ":0", ":65535", ":65536", ":-1", ":+1", "user@",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    public override int Run(byte[] input)
    {
        string text = input is [0xFF, ..] ? RawUtf16(input.AsSpan(1)) : Encoding.UTF8.GetString(input);
        if (!ConnectUri.TryParse(text, out ConnectUri? uri))
        {
            FuzzException.Require(!Parses(text), "one of TryParse and Parse takes it");
            return HashCode.Combine(text.Length > ConnectUri.MaxLength);
        }

        FuzzException.Require(Parses(text), "one of TryParse and Parse takes it");
        CheckParts(uri, text);
        CheckRoundTrip(uri);
        return HashCode.Combine(
            uri.Driver.Length == 0, uri.Transport is null, uri.User is null, uri.Host.Contains(':', StringComparison.Ordinal),
            uri.Port is null, Math.Min(uri.Path.Length, 2), Math.Min(uri.Parameters.Count, 8));
    }

    private static string RawUtf16(ReadOnlySpan<byte> bytes)
    {
        char[] text = new char[bytes.Length / 2];
        for (int i = 0; i < text.Length; i++)
            text[i] = (char)(bytes[2 * i] | (bytes[(2 * i) + 1] << 8));
        return new string(text);
    }

    private static bool Parses(string text)
    {
        try
        {
            _ = ConnectUri.Parse(text);
            return true;
        }
        catch (LibvirtException e) when (e.Code is ErrorCode.InternalError or ErrorCode.NoConnect)
        {
            FuzzException.Require(e.Code == ErrorCode.InternalError || !text.Contains(':', StringComparison.Ordinal), "what has a colon names no driver");
            return false;
        }
    }

    private static void CheckParts(ConnectUri uri, string text)
    {
        FuzzException.Require(uri.Original == text && uri.ToString() == text, "it does not keep the text");
        FuzzException.Require(text.StartsWith(uri.Driver, StringComparison.Ordinal) && uri.Driver.Length > 0, "its driver comes from elsewhere");
        FuzzException.Require(uri.Driver.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.'), "its driver is no scheme");
        FuzzException.Require(uri.Transport is null || !uri.Transport.Any(char.IsAsciiLetterUpper), "its transport has upper case");
        FuzzException.Require(uri.Port is null or (>= 0 and <= 65535), "its port is no port");
        string[] decoded = [uri.Path, uri.User ?? "", uri.Host, .. uri.Parameters.SelectMany(p => new[] { p.Key, p.Value })];
        FuzzException.Require(decoded.All(part => !part.Contains('\0', StringComparison.Ordinal)), "a part has a NUL");
        FuzzException.Require(decoded.Sum(part => part.Length) <= text.Length, "its parts are longer than it is");
        FuzzException.Require(uri.Parameters.All(p => p.Key.Length > 0), "a parameter has no name");
        foreach (var (name, _) in uri.Parameters)
        {
            string last = uri.Parameters.Last(p => p.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
            FuzzException.Require(uri.Parameter(name.ToUpperInvariant()) is { } value && (value == last || !Ascii(name)), "a parameter is not found");
        }
    }

    // The same parts, put together again, are the same URI.
    private static void CheckRoundTrip(ConnectUri uri)
    {
        string text = Compose(uri);
        if (text.Length > ConnectUri.MaxLength || !IsUnicode(uri.Original))
            return;
        FuzzException.Require(ConnectUri.TryParse(text, out ConnectUri? again), $"put together again it is no URI: {text}");
        FuzzException.Require(
            again!.Driver == uri.Driver && again.Transport == uri.Transport && again.User == uri.User && again.Host == uri.Host
            && again.Port == uri.Port && again.Path == uri.Path && again.Parameters.SequenceEqual(uri.Parameters),
            $"put together again it is another: {text}");
    }

    // Bytes that are no UTF-8 are parts of paths, too.
    private static string EscapePath(string part) => string.Concat(PathText.Encode(part).Select(
        b => char.IsAsciiLetterOrDigit((char)b) ? ((char)b).ToString() : $"%{b:X2}"));

    private static string Compose(ConnectUri uri)
    {
        StringBuilder text = new(uri.Driver);
        if (uri.Transport is not null)
            text.Append('+').Append(uri.Transport);
        text.Append(':');
        bool hasAuthority = uri.User is not null || uri.Host.Length > 0 || uri.Port is not null || uri.Path.StartsWith('/');
        if (hasAuthority)
            text.Append("//");
        if (uri.User is not null)
            text.Append(Uri.EscapeDataString(uri.User)).Append('@');
        text.Append(Uri.EscapeDataString(uri.Host));
        if (uri.Port is not null)
            text.Append(':').Append(uri.Port);
        text.AppendJoin('/', uri.Path.Split('/').Select(EscapePath));
        char separator = '?';
        foreach (var (name, value) in uri.Parameters)
        {
            text.Append(separator).Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }

        return text.ToString();
    }

    private static bool Ascii(string text) => text.All(char.IsAscii);

    private static bool IsUnicode(string text)
    {
        for (int i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out Rune rune))
                return false;
            i += rune.Utf16SequenceLength;
        }

        return true;
    }
}
