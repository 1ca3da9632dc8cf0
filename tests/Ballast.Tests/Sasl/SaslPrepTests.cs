using Ballast.Sasl;
using Ballast.Server.Authentication;

namespace Ballast.Tests.Sasl;

/// <summary>Names and passwords in one form, however they were typed.</summary>
public sealed class SaslPrepTests
{
    private const string Composed = "Gr\u00f6\u00dfe 2", Decomposed = "Gro\u0308\u00dfe\u00a0\u00b2";

    private static Func<LibIdn?> Without { get; } = static () => null;

    [Theory]
    [InlineData("user")]
    [InlineData("USER")]
    [InlineData(" ~!=,")]
    public void Ascii_stays_as_it_is_and_needs_no_library(string text)
    {
        Assert.Equal(text, SaslPrep.Prepare(text, "password", () => throw new InvalidOperationException("this looks for the library")));
        Assert.Equal(text, SaslPrep.PrepareToKeep(text, "password", Without));
    }

    // The examples of RFC 4013, section 3, come first.
    [Theory]
    [Trait("needs", "qemu")]
    [InlineData("I\u00adX", "IX")]
    [InlineData("user", "user")]
    [InlineData("USER", "USER")]
    [InlineData("\u00aa", "a")]
    [InlineData("\u2168", "IX")]
    [InlineData("a\u00a0b", "a b")]
    [InlineData("a\u200bb", "a b")]
    [InlineData(Decomposed, Composed)]
    [InlineData(Composed, Composed)]
    [InlineData("\u1112\u1161\u11ab", "\ud55c")]
    [InlineData("\u0627\u0628", "\u0627\u0628")]
    [InlineData("\ud83d\udc11", "\ud83d\udc11")]
    public void One_form_for_all_ways_to_type_it(string typed, string form)
    {
        Assert.Equal(form, SaslPrep.Prepare(typed, "password"));
        Assert.Equal(form, SaslPrep.PrepareToKeep(typed, "password"));
    }

    [Theory]
    [InlineData("", "the password is empty")]
    [InlineData("\u0007", "the password has control characters")]
    [InlineData("a\u0085", "the password has control characters")]
    public void What_is_no_text_is_refused_with_the_library_and_without(string typed, string why)
    {
        Refuses(why, () => SaslPrep.Prepare(typed, "password"));
        Refuses(why, () => SaslPrep.Prepare(typed, "password", Without));
    }

    [Fact]
    public void Half_a_pair_of_surrogates_is_refused_with_the_library_and_without()
    {
        // Made here: the data of a theory is kept as UTF-8, which has no such halves.
        foreach (string typed in (string[])["a" + (char)0xD800, string.Concat((char)0xDC11, (char)0xD83D)])
        {
            Refuses("the password has characters that RFC 4013 does not allow", () => SaslPrep.Prepare(typed, "password"));
            Refuses("the password has characters that RFC 4013 does not allow", () => SaslPrep.Prepare(typed, "password", Without));
        }
    }

    [Theory]
    [Trait("needs", "qemu")]
    [InlineData("\u00ad", "the password is empty")]
    [InlineData("a\ue000", "the password has characters that RFC 4013 does not allow")]
    [InlineData("a\u202e", "the password has characters that RFC 4013 does not allow")]
    [InlineData("a\ufffd", "the password has characters that RFC 4013 does not allow")]
    [InlineData("\u06271", "the password has characters that RFC 4013 does not allow")]
    [InlineData("\u0627a\u0627", "the password has characters that RFC 4013 does not allow")]
    public void What_is_no_password_is_refused_without_a_word_of_it(string typed, string why)
    {
        Refuses(why, () => SaslPrep.Prepare(typed, "password"));
        Refuses(why, () => SaslPrep.PrepareToKeep(typed, "password"));
    }

    [Fact]
    public void Without_the_library_a_client_sends_what_was_typed_and_a_server_keeps_nothing()
    {
        Assert.Equal(Decomposed, SaslPrep.Prepare(Decomposed, "password", Without));
        Assert.Equal(
            "the password is not ASCII: install libidn (Debian: libidn12), or use ASCII",
            Assert.Throws<InvalidDataException>(() => SaslPrep.PrepareToKeep(Composed, "password", Without)).Message);
    }

    [Fact]
    [Trait("needs", "qemu")]
    public void A_password_is_the_same_in_every_form_on_both_sides()
    {
        ScramVerifier verifier = ScramVerifier.Of(Decomposed);
        Assert.True(verifier.Matches(Composed));
        foreach (string password in (string[])[Composed, Decomposed])
        {
            ScramClient client = new(password, password);
            ScramServer server = new(_ => (verifier, true));
            byte[]? said = server.Answer(client.Begin());
            said = server.Answer(client.Answer(said)!);
            Assert.Null(client.Answer(said));
            Assert.Equal((true, Composed), (client.IsComplete, server.User));

            PlainServer plain = new(_ => (verifier, true));
            Assert.Null(plain.Answer(new PlainClient(password, password).Begin()));
            Assert.Equal(Composed, plain.User);
        }
    }

    private static void Refuses(string why, Func<string> prepare) => Assert.Equal(why, Assert.Throws<SaslException>(prepare).Message);
}
