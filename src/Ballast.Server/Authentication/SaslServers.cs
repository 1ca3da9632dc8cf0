using System.Security.Cryptography;
using System.Text;
using Ballast.Sasl;

namespace Ballast.Server.Authentication;

/// <summary>The server's side of one exchange.</summary>
internal interface ISaslServer
{
    /// <summary>Who it is, once that is proven.</summary>
    string? User { get; }

    /// <summary>Answers the client; null: nothing is left to say.</summary>
    /// <exception cref="SaslException">The client proved nothing.</exception>
    byte[]? Answer(ReadOnlySpan<byte> response);
}

/// <summary>Finds the verifier of a user; of one who is not there, a decoy.</summary>
internal delegate (ScramVerifier Verifier, bool IsKnown) SaslLookup(string user);

/// <summary>PLAIN (RFC 4616).</summary>
internal sealed class PlainServer(SaslLookup find) : ISaslServer
{
    public string? User { get; private set; }

    public byte[]? Answer(ReadOnlySpan<byte> response)
    {
        if (response.Length > ScramMessage.MaxBytes)
            throw new SaslException("a message is too long");
        int first = response.IndexOf((byte)0);
        int second = first < 0 ? -1 : response[(first + 1)..].IndexOf((byte)0);
        if (second < 0)
            throw new SaslException("a message is incomplete");
        string wanted = ScramMessage.Decode(response[..first]);
        string user = SaslPrep.Prepare(ScramMessage.Decode(response.Slice(first + 1, second)), "name");
        string password = ScramMessage.Decode(response[(first + second + 2)..]);
        (ScramVerifier verifier, bool isKnown) = find(user);
        if (!(verifier.Matches(password) & isKnown) || (wanted.Length > 0 && SaslPrep.Prepare(wanted, "name") != user))
            throw new SaslException("the name or the password is wrong", isGuess: true);
        User = user;
        return null;
    }
}

/// <summary>SCRAM-SHA-256, without channel binding.</summary>
/// <param name="find">Finds who wants to be let in.</param>
/// <param name="nonce">For tests: the server's part of the nonce.</param>
internal sealed class ScramServer(SaslLookup find, string? nonce = null) : ISaslServer
{
    private const int NonceBytes = 18;

    private readonly string _nonce = nonce ?? Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceBytes));
    private string _header = "", _said = "", _whole = "", _user = "";
    private ScramVerifier? _verifier;
    private bool _isKnown, _isOver;

    public string? User { get; private set; }

    public byte[]? Answer(ReadOnlySpan<byte> response)
    {
        if (_isOver)
            throw new SaslException("the client continues after its last message");
        string message = ScramMessage.Decode(response);
        if (_verifier is null)
            return Challenge(message);
        _isOver = true;
        return Verify(message, _verifier);
    }

    private byte[] Challenge(string first)
    {
        // The header: no channel binding, and whom the client wants to act as.
        int end = first.IndexOf(',', StringComparison.Ordinal);
        end = end < 0 ? -1 : first.IndexOf(',', end + 1);
        if (end < 0 || first is not (['n' or 'y', ',', ..]))
            throw new SaslException("channel binding is not supported");
        _header = first[..(end + 1)];
        string bare = first[(end + 1)..];
        string[] values = ScramMessage.Read(bare, "nr");
        _user = ScramMessage.Unescape(values[0]);
        string wanted = _header[2..^1];
        if (wanted.Length > 0 && !(wanted.StartsWith("a=", StringComparison.Ordinal) && ScramMessage.Unescape(wanted[2..]) == _user))
            throw new SaslException("a user cannot act as another one");
        _whole = ScramMessage.Nonce(values[1]) + _nonce;
        (_verifier, _isKnown) = find(_user);
        string answer = FormattableString.Invariant($"r={_whole},s={Convert.ToBase64String(_verifier.Salt)},i={_verifier.Iterations}");
        _said = $"{bare},{answer}";
        return Encoding.UTF8.GetBytes(answer);
    }

    private byte[] Verify(string last, ScramVerifier verifier)
    {
        string[] values = ScramMessage.Read(last, "cr");
        int proofAt = last.LastIndexOf(",p=", StringComparison.Ordinal);
        if (proofAt < 0 || values[0] != Convert.ToBase64String(Encoding.UTF8.GetBytes(_header)) || values[1] != _whole)
            throw new SaslException("a message does not fit the one before");
        string all = $"{_said},{last[..proofAt]}";
        byte[] key = ScramKeys.Combine(ScramMessage.Proof(last[(proofAt + 3)..]), ScramKeys.Sign(verifier.StoredKey, all));
        bool isRight = CryptographicOperations.FixedTimeEquals(ScramKeys.StoredKey(key), verifier.StoredKey);
        CryptographicOperations.ZeroMemory(key);
        if (!(isRight & _isKnown))
            throw new SaslException("the name or the password is wrong", isGuess: true);
        User = _user;
        return Encoding.UTF8.GetBytes($"v={Convert.ToBase64String(ScramKeys.Sign(verifier.ServerKey, all))}");
    }
}
