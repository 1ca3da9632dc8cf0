using System.Security.Cryptography;
using System.Text;

namespace Ballast.Sasl;

/// <summary>What SCRAM-SHA-256 (RFC 5802, RFC 7677) computes of passwords and messages.</summary>
internal static class ScramKeys
{
    public const string Mechanism = "SCRAM-SHA-256";

    /// <summary>Bytes of each key, proof and signature.</summary>
    public const int Bytes = 32;

    /// <summary>Fewer make a password too easy to find; more would keep this process busy for whoever asks for them.</summary>
    public const int MinIterations = 4096, MaxIterations = 1_000_000;

    /// <exception cref="SaslException">It is empty or has characters that no password has.</exception>
    public static byte[] Salt(string password, ReadOnlySpan<byte> salt, int iterations)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(SaslPrep.Prepare(password, "password"));
        try
        {
            return Rfc2898DeriveBytes.Pbkdf2(bytes, salt, iterations, HashAlgorithmName.SHA256, Bytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    public static byte[] ClientKey(ReadOnlySpan<byte> salted) => HMACSHA256.HashData(salted, "Client Key"u8);

    public static byte[] ServerKey(ReadOnlySpan<byte> salted) => HMACSHA256.HashData(salted, "Server Key"u8);

    public static byte[] StoredKey(ReadOnlySpan<byte> clientKey) => SHA256.HashData(clientKey);

    /// <summary>What only who has the key can say of the messages.</summary>
    public static byte[] Sign(ReadOnlySpan<byte> key, string messages) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(messages));

    /// <summary>A key and a signature make a proof, a proof and the signature the key.</summary>
    public static byte[] Combine(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        byte[] combined = new byte[Bytes];
        for (int i = 0; i < Bytes; i++)
            combined[i] = (byte)(one[i] ^ other[i]);
        return combined;
    }
}
