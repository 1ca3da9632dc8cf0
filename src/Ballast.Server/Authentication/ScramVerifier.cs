using System.Globalization;
using System.Security.Cryptography;
using Ballast.Interop;
using Ballast.Sasl;

namespace Ballast.Server.Authentication;

/// <summary>What a server keeps of a password: enough to recognise who knows it, not enough to log in elsewhere.</summary>
/// <param name="Iterations">How often it was hashed.</param>
/// <param name="Salt">With what.</param>
/// <param name="StoredKey">Recognises the client's proof.</param>
/// <param name="ServerKey">Makes the server's.</param>
internal sealed record ScramVerifier(int Iterations, byte[] Salt, byte[] StoredKey, byte[] ServerKey)
{
    /// <summary>Of a new password.</summary>
    public const int DefaultIterations = 16384;

    private const int SaltBytes = 16;

    /// <exception cref="InvalidDataException">It is empty, has characters that no password has, or has some that this system cannot prepare.</exception>
    /// <exception cref="LibvirtException">The system has no library for that.</exception>
    public static ScramVerifier Of(string password)
    {
        SystemOpenSsl.RequireForSasl();
        try
        {
            byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
            (byte[] stored, byte[] server) = Keys(SaslPrep.PrepareToKeep(password, "password"), salt, DefaultIterations);
            return new ScramVerifier(DefaultIterations, salt, stored, server);
        }
        catch (SaslException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }

    /// <summary>A user's name as clients that send it are known by it; null where it is none.</summary>
    /// <exception cref="InvalidDataException">It has characters that this system cannot prepare.</exception>
    public static string? Name(string user)
    {
        try
        {
            return SaslPrep.PrepareToKeep(user, "name");
        }
        catch (SaslException)
        {
            return null;
        }
    }

    /// <summary>Reads what <see cref="ToString"/> wrote; null where it is something else.</summary>
    public static ScramVerifier? Parse(string text) =>
        text.Split(':') is [ScramKeys.Mechanism, var number, var salt, var stored, var server]
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int iterations)
        && iterations is >= ScramKeys.MinIterations and <= ScramKeys.MaxIterations
        && Bytes(salt) is { Length: > 0 } salted && Bytes(stored) is { Length: ScramKeys.Bytes } storedKey && Bytes(server) is { Length: ScramKeys.Bytes } serverKey
            ? new ScramVerifier(iterations, salted, storedKey, serverKey)
            : null;

    /// <summary>As a line of a file.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{ScramKeys.Mechanism}:{Iterations}:{Convert.ToBase64String(Salt)}:{Convert.ToBase64String(StoredKey)}:{Convert.ToBase64String(ServerKey)}");

    /// <summary>
    /// Of a user who is not there: always the same, so that an answer does not tell, and of no password.
    /// </summary>
    /// <param name="secret">What only the server knows, and keeps as long as its users.</param>
    /// <param name="user">Who is not there.</param>
    public static ScramVerifier Decoy(ReadOnlySpan<byte> secret, string user) => new(
        DefaultIterations,
        ScramKeys.Sign(secret, "salt\0" + user)[..SaltBytes],
        ScramKeys.Sign(secret, "stored\0" + user),
        ScramKeys.Sign(secret, "server\0" + user));

    /// <summary>Whether it is the password; takes as long where it is not.</summary>
    /// <exception cref="SaslException">It is empty or has characters that no password has.</exception>
    public bool Matches(string password) => CryptographicOperations.FixedTimeEquals(Keys(password, Salt, Iterations).Stored, StoredKey);

    private static byte[]? Bytes(string base64)
    {
        byte[] bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out int length) ? bytes[..length] : null;
    }

    private static (byte[] Stored, byte[] Server) Keys(string password, byte[] salt, int iterations)
    {
        byte[] salted = ScramKeys.Salt(password, salt, iterations);
        byte[] key = ScramKeys.ClientKey(salted);
        try
        {
            return (ScramKeys.StoredKey(key), ScramKeys.ServerKey(salted));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(salted);
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
