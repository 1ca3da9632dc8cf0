using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Ballast.Transports;

/// <summary>Public keys that are made to keep others computing: nobody needs them, and one signature takes as long as a hundred of usual keys.</summary>
internal static class CostlyKey
{
    private const string Rsa = "1.2.840.113549.1.1.1", RsaPss = "1.2.840.113549.1.1.10", Dsa = "1.2.840.10040.4.1";

    // OpenSSL's own bound of a modulus; exponents are 3 or 65537, and 32 bits where somebody was afraid. DSA has at most 3072 bits.
    private const int MostModulusBytes = 2048, MostExponentBytes = 4, MostDsaBytes = 1300;

    /// <summary>Whether it is one, or a key of RSA that cannot be read.</summary>
    public static bool Is(PublicKey key) => key.Oid.Value switch
    {
        Rsa or RsaPss => IsCostlyRsa(key.EncodedKeyValue.RawData),
        Dsa => key.EncodedKeyValue.RawData.Length + (key.EncodedParameters?.RawData.Length ?? 0) > MostDsaBytes,
        _ => false,
    };

    private static bool IsCostlyRsa(byte[] key)
    {
        try
        {
            AsnReader numbers = new AsnReader(key, AsnEncodingRules.BER).ReadSequence();
            return Bytes(numbers) > MostModulusBytes || Bytes(numbers) > MostExponentBytes;
        }
        catch (AsnContentException)
        {
            return true;
        }

        static int Bytes(AsnReader numbers) => numbers.ReadIntegerBytes().Span.TrimStart((byte)0).Length;
    }
}
