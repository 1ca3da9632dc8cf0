using System.Security.Cryptography;
using System.Text;

namespace Ballast.Sasl;

/// <summary>
/// Names and passwords in the one form that SASLprep (RFC 4013) gives them: the same letters typed on another keyboard are the same
/// password. ASCII has only one form. For other text it is the system's libidn that knows.
/// </summary>
internal static class SaslPrep
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The form; without libidn, the text as it is.</summary>
    /// <param name="text">The text.</param>
    /// <param name="what">What it is, for errors, which say nothing else of it.</param>
    /// <exception cref="SaslException">It is empty, or has characters that a name or a password cannot have.</exception>
    public static string Prepare(string text, string what) => Prepare(text, what, static () => LibIdn.OfSystem);

    /// <param name="text">The text.</param>
    /// <param name="what">What it is, for errors.</param>
    /// <param name="find">Finds libidn; asked only where it is needed.</param>
    /// <exception cref="SaslException">It is empty, or has characters that a name or a password cannot have.</exception>
    public static string Prepare(string text, string what, Func<LibIdn?> find)
    {
        if (text.Any(char.IsControl))
            throw new SaslException($"the {what} has control characters");
        string prepared = text.All(char.IsAscii) ? text : PrepareOther(text, what, find);
        return prepared.Length > 0 ? prepared : throw new SaslException($"the {what} is empty");
    }

    /// <summary>The form of what a server keeps: as it is, text beyond ASCII would be right only where it is typed the same way.</summary>
    /// <exception cref="SaslException">It is empty, or has characters that a name or a password cannot have.</exception>
    /// <exception cref="InvalidDataException">It is not ASCII, and there is no libidn.</exception>
    public static string PrepareToKeep(string text, string what) => PrepareToKeep(text, what, static () => LibIdn.OfSystem);

    /// <param name="text">The text.</param>
    /// <param name="what">What it is, for errors.</param>
    /// <param name="find">Finds libidn.</param>
    /// <exception cref="SaslException">It is empty, or has characters that a name or a password cannot have.</exception>
    /// <exception cref="InvalidDataException">It is not ASCII, and there is no libidn.</exception>
    public static string PrepareToKeep(string text, string what, Func<LibIdn?> find) => text.All(char.IsAscii) || find() is not null
        ? Prepare(text, what, find)
        : throw new InvalidDataException($"the {what} is not ASCII: install libidn (Debian: libidn12), or use ASCII");

    private static string PrepareOther(string text, string what, Func<LibIdn?> find)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length) + 1];
        try
        {
            _ = Strict.GetBytes(text, bytes);
            return find() is { } library ? library.SaslPrep(bytes) ?? throw Forbidden(what) : text;
        }
        catch (EncoderFallbackException)
        {
            // Half a pair of surrogates.
            throw Forbidden(what);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static SaslException Forbidden(string what) => new($"the {what} has characters that RFC 4013 does not allow");
}
