namespace Ballast.Sasl;

/// <summary>The client's side of one exchange.</summary>
internal interface ISaslClient
{
    string Mechanism { get; }

    /// <summary>Whether all is said, and all that the server has to prove is proven.</summary>
    bool IsComplete { get; }

    /// <summary>What is sent with the choice of the mechanism.</summary>
    byte[] Begin();

    /// <summary>Answers the server; null: there is nothing left to say.</summary>
    /// <exception cref="SaslException">The server does not do its part.</exception>
    byte[]? Answer(ReadOnlySpan<byte> challenge);
}

/// <summary>PLAIN (RFC 4616): the password as it is, for ways that nobody else can read.</summary>
internal sealed class PlainClient(string user, string password) : ISaslClient
{
    public const string Name = "PLAIN";

    public string Mechanism => Name;

    public bool IsComplete { get; private set; }

    public byte[] Begin()
    {
        // Who prepares them is the server, which has to anyway; one that does not would not know them otherwise.
        _ = SaslPrep.Prepare(user, "name");
        _ = SaslPrep.Prepare(password, "password");
        IsComplete = true;
        return System.Text.Encoding.UTF8.GetBytes($"\0{user}\0{password}");
    }

    public byte[]? Answer(ReadOnlySpan<byte> challenge) =>
        challenge.IsEmpty ? null : throw new SaslException("the daemon asks for more than a name and a password");
}
