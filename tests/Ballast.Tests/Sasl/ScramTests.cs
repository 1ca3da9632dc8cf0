using System.Text;
using Ballast.Sasl;
using Ballast.Server.Authentication;
using CsCheck;

namespace Ballast.Tests.Sasl;

/// <summary>SCRAM-SHA-256 and PLAIN, both sides.</summary>
public sealed class ScramTests
{
    private const string ServerPart = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ClientPart = "rOprNGfwEbeRWgbNEkqO";
    private const string First = $"r={ClientPart}{ServerPart},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    private const string Proof = $"c=biws,r={ClientPart}{ServerPart},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    private const string Last = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    // The password of RFC 7677's example, with its salt.
    private static readonly ScramVerifier Pencil = Verifier("pencil", Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);

    [Fact]
    public void The_client_says_what_the_standard_says()
    {
        ScramClient client = new("user", "pencil", ClientPart);
        Assert.Equal($"n,,n=user,r={ClientPart}", Text(client.Begin()));
        Assert.Equal(Proof, Text(client.Answer(Bytes(First))));
        Assert.False(client.IsComplete);
        Assert.Null(client.Answer(Bytes(Last)));
        Assert.True(client.IsComplete);
    }

    [Fact]
    public void The_server_says_what_the_standard_says()
    {
        ScramServer server = new(_ => (Pencil, true), ServerPart);
        Assert.Equal(First, Text(server.Answer(Bytes($"n,,n=user,r={ClientPart}"))));
        Assert.Null(server.User);
        Assert.Equal(Last, Text(server.Answer(Bytes(Proof))));
        Assert.Equal("user", server.User);
    }

    [Fact]
    public void Whoever_knows_the_password_is_let_in_and_nobody_else()
    {
        Gen<string> text = Gen.String[Gen.Char["aZ09 ,=:%;\u00e9\u00df\u03a9\u0416\u3042\u5b57\ud55c"], 1, 20];
        Gen.Select(text, text, text).Where((_, password, other) => password != other).Sample((user, password, other) =>
            {
                ScramVerifier verifier = Verifier(password, [1, 2, 3, 4], ScramKeys.MinIterations);
                Assert.Equal(user, Login(new ScramClient(user, password), new ScramServer(_ => (verifier, true))));
                Assert.Equal(user, Login(new PlainClient(user, password), new PlainServer(_ => (verifier, true))));
                Assert.Throws<SaslException>(() => Login(new ScramClient(user, other), new ScramServer(_ => (verifier, true))));
                Assert.Throws<SaslException>(() => Login(new PlainClient(user, other), new PlainServer(_ => (verifier, true))));
                Assert.Throws<SaslException>(() => Login(new ScramClient(user, password), new ScramServer(_ => (verifier, false))));
                Assert.Throws<SaslException>(() => Login(new PlainClient(user, password), new PlainServer(_ => (verifier, false))));
            }, iter: 20);
    }

    [Theory]
    [InlineData("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "the daemon's nonce is not an answer to ours")]
    [InlineData($"r={ClientPart},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "the daemon's nonce is not an answer to ours")]
    [InlineData($"r={ClientPart}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095", "the number of iterations is not from 4096 to 1000000")]
    [InlineData($"r={ClientPart}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000", "the number of iterations is not from 4096 to 1000000")]
    [InlineData($"r={ClientPart}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1", "the number of iterations is not from 4096 to 1000000")]
    [InlineData($"r={ClientPart}x,s=,i=4096", "the salt is not one")]
    [InlineData($"r={ClientPart}x,s=W22Z aJ0SNY7soEsUEjb6gQ==,i=4096", "the salt is not one")]
    [InlineData($"m=x,r={ClientPart}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "the peer requires an extension that is not supported")]
    [InlineData($"r={ClientPart}x", "a message is incomplete")]
    [InlineData("", "a message is incomplete")]
    public void A_client_takes_no_other_challenge(string challenge, string why)
    {
        ScramClient client = new("user", "pencil", ClientPart);
        _ = client.Begin();
        Assert.Equal(why, Assert.Throws<SaslException>(() => client.Answer(Bytes(challenge))).Message);
        Assert.False(client.IsComplete);
    }

    [Theory]
    [InlineData("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "the daemon does not know the password itself: it may be another one's")]
    [InlineData("v=", "a proof is not one")]
    [InlineData("", "a message has no v where it belongs")]
    [InlineData("e=invalid-proof", "the name or the password is wrong")]
    public void A_server_that_proves_nothing_is_not_believed(string last, string why)
    {
        ScramClient client = new("user", "pencil", ClientPart);
        _ = client.Begin();
        _ = client.Answer(Bytes(First));
        Assert.Equal(why, Assert.Throws<SaslException>(() => client.Answer(Bytes(last))).Message);
        Assert.False(client.IsComplete);
    }

    [Theory]
    [InlineData($"p=tls-unique,,n=user,r={ClientPart}", "channel binding is not supported")]
    [InlineData("", "channel binding is not supported")]
    [InlineData($"n,,n=us=er,r={ClientPart}", "a name is not escaped as it must be")]
    [InlineData($"n,a=root,n=user,r={ClientPart}", "a user cannot act as another one")]
    [InlineData("n,,n=user,r=", "a nonce is not one")]
    [InlineData($"n,,n=,r={ClientPart}", "the name is empty")]
    [InlineData($"n,,m=x,n=user,r={ClientPart}", "the peer requires an extension that is not supported")]
    public void A_server_takes_no_other_beginning(string first, string why) => Assert.Equal(
        why, Assert.Throws<SaslException>(() => new ScramServer(_ => (Pencil, true)).Answer(Bytes(first))).Message);

    [Theory]
    [InlineData(Proof, "c=biws", "c=eSws")]
    [InlineData(Proof, "hNlF", "hNlG")]
    [InlineData(Proof, "p=dHzb", "p=eHzb")]
    [InlineData(Proof, ",p=", ",x=1,p=")]
    [InlineData(Proof, ",p=", ",q=")]
    public void A_changed_proof_proves_nothing_and_ends_the_exchange(string proof, string part, string other)
    {
        ScramServer server = new(_ => (Pencil, true), ServerPart);
        _ = server.Answer(Bytes($"n,,n=user,r={ClientPart}"));
        Assert.Throws<SaslException>(() => server.Answer(Bytes(proof.Replace(part, other, StringComparison.Ordinal))));
        Assert.Throws<SaslException>(() => server.Answer(Bytes(proof)));
        Assert.Null(server.User);
    }

    [Fact]
    public void Who_is_not_there_looks_like_who_is()
    {
        byte[] secret = [1, 2, 3], other = [4, 5, 6];
        string Challenge(byte[] with, string user) =>
            Text(new ScramServer(name => (ScramVerifier.Decoy(with, name), false), ServerPart).Answer(Bytes($"n,,n={user},r={ClientPart}")))!;
        string known = Text(new ScramServer(_ => (ScramVerifier.Of("secret"), true), ServerPart).Answer(Bytes($"n,,n=ann,r={ClientPart}")))!;
        Assert.Equal(Challenge(secret, "bob"), Challenge(secret, "bob"));
        Assert.NotEqual(Challenge(secret, "bob"), Challenge(secret, "ben"));
        Assert.NotEqual(Challenge(secret, "bob"), Challenge(other, "bob"));
        Assert.Equal(known.Length, Challenge(secret, "bob").Length);
        Assert.Equal(known.Split(",i=")[1], Challenge(secret, "bob").Split(",i=")[1]);
    }

    [Fact]
    public void A_verifier_is_read_as_it_was_written()
    {
        ScramVerifier verifier = ScramVerifier.Of("secret");
        Assert.DoesNotContain("secret", $"{verifier}", StringComparison.Ordinal);
        Assert.Equal($"{verifier}", $"{ScramVerifier.Parse($"{verifier}")}");
        Assert.True(ScramVerifier.Parse($"{verifier}")!.Matches("secret"));
        Assert.NotEqual($"{verifier}", $"{ScramVerifier.Of("secret")}");
        foreach (string spoilt in (string[])["", "x", $"{verifier}:x", $"{verifier}"[..^4], $"{verifier}".Replace("16384", "16", StringComparison.Ordinal)])
            Assert.Null(ScramVerifier.Parse(spoilt));
    }

    private static string? Login(ISaslClient client, ISaslServer server)
    {
        byte[]? said = server.Answer(client.Begin());
        while (said is not null && client.Answer(said) is { } answer)
            said = server.Answer(answer);
        Assert.True(client.IsComplete);
        return server.User;
    }

    private static ScramVerifier Verifier(string password, byte[] salt, int iterations)
    {
        byte[] salted = ScramKeys.Salt(password, salt, iterations);
        return new(iterations, salt, ScramKeys.StoredKey(ScramKeys.ClientKey(salted)), ScramKeys.ServerKey(salted));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string? Text(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);
}
