using System.Globalization;
using System.Text;

namespace Ballast.Sasl;

/// <summary>The messages of SCRAM: attributes, a letter each, with commas in between.</summary>
internal static class ScramMessage
{
    /// <summary>Longer ones are of no peer that means it well.</summary>
    public const int MaxBytes = 4096;

    private const int MaxNonce = 512, MaxSalt = 256;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="SaslException">It is too long, or no text.</exception>
    public static string Decode(ReadOnlySpan<byte> message)
    {
        if (message.Length > MaxBytes)
            throw new SaslException("a message is too long");
        try
        {
            string text = Strict.GetString(message);
            return text.Contains('\0', StringComparison.Ordinal) ? throw new SaslException("a message has a NUL") : text;
        }
        catch (ArgumentException)
        {
            throw new SaslException("a message is not UTF-8");
        }
    }

    /// <summary>The values of attributes that have to be there, in their order; further ones may follow.</summary>
    /// <exception cref="SaslException">They are not, or a mandatory extension is.</exception>
    public static string[] Read(string message, string attributes)
    {
        string[] parts = message.Split(',');
        if (parts[0].StartsWith("m=", StringComparison.Ordinal))
            throw new SaslException("the peer requires an extension that is not supported");
        if (parts.Length < attributes.Length)
            throw new SaslException("a message is incomplete");
        string[] values = new string[attributes.Length];
        for (int i = 0; i < attributes.Length; i++)
        {
            if (parts[i].Length < 2 || parts[i][0] != attributes[i] || parts[i][1] != '=')
                throw new SaslException($"a message has no {attributes[i]} where it belongs");
            values[i] = parts[i][2..];
        }

        return values;
    }

    /// <exception cref="SaslException">It is none.</exception>
    public static string Nonce(string text) => text.Length is > 0 and <= MaxNonce && text.All(letter => letter is > ' ' and <= '~' and not ',')
        ? text
        : throw new SaslException("a nonce is not one");

    /// <exception cref="SaslException">It is none, or out of bounds.</exception>
    public static int Iterations(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        && number is >= ScramKeys.MinIterations and <= ScramKeys.MaxIterations
            ? number
            : throw new SaslException($"the number of iterations is not from {ScramKeys.MinIterations} to {ScramKeys.MaxIterations}");

    /// <exception cref="SaslException">It is none.</exception>
    public static byte[] Salt(string text) => Base64(text) is { Length: > 0 and <= MaxSalt } salt ? salt : throw new SaslException("the salt is not one");

    /// <exception cref="SaslException">It is not that long.</exception>
    public static byte[] Proof(string text) => Base64(text) is { Length: ScramKeys.Bytes } proof ? proof : throw new SaslException("a proof is not one");

    public static string Escape(string name) => name.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal);

    /// <exception cref="SaslException">It is no name.</exception>
    public static string Unescape(string name)
    {
        for (int at = name.IndexOf('=', StringComparison.Ordinal); at >= 0; at = name.IndexOf('=', at + 1))
        {
            if (name.AsSpan(at) is not (['=', '2', 'C', ..] or ['=', '3', 'D', ..]))
                throw new SaslException("a name is not escaped as it must be");
        }

        string plain = name.Replace("=2C", ",", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
        return SaslPrep.Prepare(plain, "name");
    }

    private static byte[]? Base64(string text)
    {
        byte[] bytes = new byte[text.Length];

        // The decoder skips white space, which has no place here.
        return !text.Any(char.IsWhiteSpace) && Convert.TryFromBase64String(text, bytes, out int length) ? bytes[..length] : null;
    }
}
