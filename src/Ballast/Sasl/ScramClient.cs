using System.Security.Cryptography;
using System.Text;

namespace Ballast.Sasl;

/// <summary>The client's side of SCRAM-SHA-256: the password never leaves it, and the server has to know something of it too.</summary>
/// <param name="user">The user.</param>
/// <param name="password">The user's password.</param>
/// <param name="nonce">For tests: the client's part of the nonce.</param>
internal sealed class ScramClient(string user, string password, string? nonce = null) : ISaslClient
{
    // Without channel binding, and for the user itself.
    private const string Header = "n,,";

    private const int NonceBytes = 18;

    private readonly string _nonce = nonce ?? Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceBytes));
    private string _first = "";
    private byte[]? _signature;

    public string Mechanism => ScramKeys.Mechanism;

    public bool IsComplete { get; private set; }

    public byte[] Begin()
    {
        _first = $"n={ScramMessage.Escape(SaslPrep.Prepare(user, "name"))},r={_nonce}";
        return Encoding.UTF8.GetBytes(Header + _first);
    }

    public byte[]? Answer(ReadOnlySpan<byte> challenge)
    {
        if (IsComplete)
            return challenge.IsEmpty ? null : throw new SaslException("the daemon continues after its last message");
        string message = ScramMessage.Decode(challenge);
        if (_signature is null)
            return Prove(message);
        Verify(message);
        return null;
    }

    private byte[] Prove(string first)
    {
        string[] values = ScramMessage.Read(first, "rsi");
        string nonce = ScramMessage.Nonce(values[0]);
        if (!nonce.StartsWith(_nonce, StringComparison.Ordinal) || nonce.Length == _nonce.Length)
            throw new SaslException("the daemon's nonce is not an answer to ours");
        byte[] salted = ScramKeys.Salt(password, ScramMessage.Salt(values[1]), ScramMessage.Iterations(values[2]));
        byte[] key = ScramKeys.ClientKey(salted);
        try
        {
            string last = $"c={Convert.ToBase64String(Encoding.UTF8.GetBytes(Header))},r={nonce}";
            string all = $"{_first},{first},{last}";
            byte[] proof = ScramKeys.Combine(key, ScramKeys.Sign(ScramKeys.StoredKey(key), all));
            _signature = ScramKeys.Sign(ScramKeys.ServerKey(salted), all);
            return Encoding.UTF8.GetBytes($"{last},p={Convert.ToBase64String(proof)}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(salted);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private void Verify(string last)
    {
        if (last.StartsWith("e=", StringComparison.Ordinal))
            throw new SaslException("the name or the password is wrong");
        if (!CryptographicOperations.FixedTimeEquals(ScramMessage.Proof(ScramMessage.Read(last, "v")[0]), _signature))
            throw new SaslException("the daemon does not know the password itself: it may be another one's");
        IsComplete = true;
    }
}
