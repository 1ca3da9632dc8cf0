using System.Security.Cryptography;
using System.Text;
using Ballast.Sasl;
using Ballast.Server.Authentication;

namespace Ballast.Tests.Sasl;

/// <summary>Names and passwords in one form, however they were typed.</summary>
public sealed class SaslPrepTests
{
    // What eng/saslprep.py prints: Python's own data of Unicode 3.2 over the same texts.
    private const string Digest = "b02b747a79c4f7501485a891987a5a138b23e9a1f56a476f8d24f27e0bc7c598";

    private const int Behind = 0x30000, FirstSurrogate = 0xD800, LastSurrogate = 0xDFFF;

    [Theory]
    [InlineData("I\u00adX", "IX")]
    [InlineData("user", "user")]
    [InlineData("USER", "USER")]
    [InlineData("\u00aa", "a")]
    [InlineData("\u2168", "IX")]
    [InlineData("a\u00a0b", "a b")]
    [InlineData("Gro\u0308\u00dfe", "Gr\u00f6\u00dfe")]
    [InlineData("\u1112\u1161\u11ab", "\ud55c")]
    [InlineData("\u0627\u0628", "\u0627\u0628")]
    [InlineData("\ud83d\udc11", "\ud83d\udc11")]
    public void One_form_for_all_ways_to_type_it(string typed, string form) => Assert.Equal(form, SaslPrep.Prepare(typed, "password"));

    [Theory]
    [InlineData("", "the password is empty")]
    [InlineData("\u00ad", "the password is empty")]
    [InlineData("\u0007", "the password has control characters")]
    [InlineData("a\u0085", "the password has control characters")]
    [InlineData("a\ue000", "the password has characters that RFC 4013 does not allow")]
    [InlineData("a\u202e", "the password has characters that RFC 4013 does not allow")]
    [InlineData("a\ufffd", "the password has characters that RFC 4013 does not allow")]
    [InlineData("a\ud800", "the password has characters that RFC 4013 does not allow")]
    [InlineData("\u06271", "the password mixes scripts that are written from right to left with others")]
    [InlineData("\u0627a\u0627", "the password mixes scripts that are written from right to left with others")]
    public void What_is_no_password_is_refused_without_a_word_of_it(string typed, string why) =>
        Assert.Equal(why, Assert.Throws<SaslException>(() => SaslPrep.Prepare(typed, "password")).Message);

    [Fact]
    public void Every_character_alone_and_among_others_becomes_what_Python_makes_of_it()
    {
        using IncrementalHash all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int code = 1; code < Behind; code++)
        {
            if (code is >= FirstSurrogate and <= LastSurrogate)
                continue;
            string character = $"{new Rune(code)}";
            foreach (string text in Moves(code) ? (string[])[character, $"e{character}\u0323\u0301", $"\u1100{character}\u11a8", $"\u0627{character}\u0628"] : [character])
                all.AppendData(Encoding.UTF8.GetBytes(Prepared(text) + "\n"));
        }

        Assert.Equal(Digest, Convert.ToHexStringLower(all.GetHashAndReset()));
    }

    [Fact]
    public void A_password_is_the_same_in_every_form_on_both_sides()
    {
        const string composed = "Gr\u00f6\u00dfe 2", decomposed = "Gro\u0308\u00dfe\u00a0\u00b2";
        ScramVerifier verifier = ScramVerifier.Of(decomposed);
        Assert.True(verifier.Matches(composed));
        foreach (string password in (string[])[composed, decomposed])
        {
            ScramClient client = new(password, password);
            ScramServer server = new(_ => (verifier, true));
            byte[]? said = server.Answer(client.Begin());
            said = server.Answer(client.Answer(said)!);
            Assert.Null(client.Answer(said));
            Assert.Equal((true, composed), (client.IsComplete, server.User));

            PlainServer plain = new(_ => (verifier, true));
            Assert.Null(plain.Answer(new PlainClient(password, password).Begin()));
            Assert.Equal(composed, plain.User);
        }
    }

    // Whether it joins others or changes places; of newer characters Python knows the places, and we do not.
    private static bool Moves(int code)
    {
        List<int> parts = [];
        SaslPrepTable.Instance.Decompose(code, parts);
        return code is < 0x250 or (>= 0x1100 and < 0x1200) || SaslPrepTable.Instance.Class(code) > 0 || parts is not [var only] || only != code;
    }

    private static string Prepared(string text)
    {
        try
        {
            return SaslPrep.Prepare(text, "text");
        }
        catch (SaslException)
        {
            return "";
        }
    }
}
