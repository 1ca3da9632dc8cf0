using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Guests;
using Ballast.Server.Tls;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>Names of certificates read as GnuTLS prints them, so that lists made for libvirt hold here.</summary>
public sealed class DistinguishedNameTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("C=GB, ST=London, L=London, O=Red Hat, CN=name_of_client")]
    [InlineData("C=DE, O=\"a, b+c <d> \"\"e\"\" ;f\\\\g=h\", CN=\"#x\"")]
    [InlineData("CN=\" lead and trail \"")]
    [InlineData("E=a@b.example, OID.0.9.2342.19200300.100.1.1=u1, SERIALNUMBER=12, T=Dr, G=g, SN=s, I=i")]
    [InlineData("OID.2.5.4.65=p, OID.2.5.4.46=q, STREET=st, OID.2.5.4.17=1, OID.2.5.4.15=b, OID.2.5.4.41=n, OID.2.5.4.44=IV, OID.1.3.6.1.4.1.311.60.2.1.3=DE")]
    [InlineData("OID.1.2.3.4=other, CN=x")]
    [InlineData("CN=Jürgen Größe")]
    [Trait("needs", "libvirtd")]
    public async Task They_are_those_that_libvirts_own_program_prints(string name)
    {
        using TestPki pki = TestPki.Create();
        using X509Certificate2 certificate = pki.Write("client", name);
        CommandResult theirs = await ChildProcess.RunAsync("virt-pki-query-dn", [Path.Combine(pki.Path, "clientcert.pem")], cancellationToken: Token);
        Assert.Equal((0, theirs.Output.TrimEnd('\n')), (theirs.ExitCode, DistinguishedName.Of(certificate.SubjectName)?.Text));
    }

    // Every attribute that either knows, some that neither does, in every form of text and others, with what text may have. GnuTLS
    // knows the forms, and no names, of four attributes of messages and keys (9.4, 9.7, 9.20 and 9.21), which are in no name of anybody.
    [Fact]
    [Trait("needs", "libvirtd")]
    public async Task Every_attribute_and_every_form_reads_as_libvirts_own_program_prints_it()
    {
        string[] kinds =
        [
            .. Enumerable.Range(0, 110).Select(i => $"2.5.4.{i}"), .. Enumerable.Range(1, 29).Where(i => i is not (4 or 7 or 20 or 21)).Select(i => $"1.2.840.113549.1.9.{i}"),
            .. Enumerable.Range(0, 61).Select(i => $"0.9.2342.19200300.100.1.{i}"), .. Enumerable.Range(0, 9).Select(i => $"1.3.6.1.5.5.7.9.{i}"),
            .. Enumerable.Range(0, 8).Select(i => $"1.3.6.1.4.1.311.60.2.1.{i}"), .. Enumerable.Range(0, 120).Select(i => $"1.2.643.100.{i}"), "1.2.643.3.131.1.1", "1.2.3.4",
        ];
        byte[] forms = [2, 3, 4, 12, 18, 19, 20, 22, 23, 26, 27, 28, 30, 0x2c, 0x82];
        foreach (byte form in forms)
            await CompareAsync(kinds.Select(kind => (kind, Value(form, form == 30 ? [0, (byte)'G', 0, (byte)'B'] : form == 0x2c ? Value(12, "GB"u8) : "GB"u8))));

        // One of each form that is read, and one of none. What an empty value reads as is another with each GnuTLS: it is not read.
        string[] some = ["2.5.4.10", "2.5.4.6", "1.2.840.113549.1.9.1", "1.2.643.100.1", "1.2.3.4"];
        byte[][] values =
        [
            .. Enumerable.Range(1, 127).Select(c => new[] { (byte)c, (byte)'x', (byte)c, (byte)c }), "Grüße"u8.ToArray(), "日本😀"u8.ToArray(), [0x47, 0xfc, 0xdf, 0x65],
            [0x61, 0, 0x62], "   "u8.ToArray(), "#"u8.ToArray(), "\u202e"u8.ToArray(), [0, 0x61, 0xd8, 0x3d, 0xde, 0], [0xd8, 0x3d, 0, 0x61], [0, 0x23, 0, 0x20],
            [0, 0, 0, 0x47],
        ];
        foreach (byte form in (byte[])[12, 18, 19, 20, 22, 28, 30])
        {
            await CompareAsync(values.SelectMany(value => some.Select(kind => (kind, Value(form, value)))));
        }
    }

    [Theory]
    [InlineData("2.5.4.10", 12, "4772c3bcc39f65", true)]
    [InlineData("2.5.4.10", 20, "4772fcdf65", true)]
    [InlineData("2.5.4.10", 12, "4772fcdf65", false)]
    [InlineData("2.5.4.10", 22, "4742", false)]
    [InlineData("2.5.4.6", 12, "4742", false)]
    [InlineData("2.5.4.97", 12, "4742", false)]
    [InlineData("1.2.3.4", 12, "4742", false)]
    public void Whoever_is_not_read_in_full_may_only_read_where_there_is_a_list_of_those(string kind, byte form, string value, bool isRead)
    {
        using TestPki pki = TestPki.Create(byCurve: true);
        CertificateName name = DistinguishedName.Of(Name([(kind, Value(form, Convert.FromHexString(value))), ("2.5.4.3", Value(12, "x"u8))]))!;
        Assert.Equal(isRead, name.IsRead);
        Assert.Equal(!isRead, TlsAccess.Load(pki.Path, null, ["CN=reader"], TimeProvider.System).IsReadOnly(name));
        Assert.False(TlsAccess.Load(pki.Path, null, [], TimeProvider.System).IsReadOnly(name));
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("", "", true)]
    [InlineData("", "x", false)]
    [InlineData("C=GB,*,CN=*", "C=GB,O=Red Hat,CN=host1", true)]
    [InlineData("C=GB,*,CN=host?", "C=GB,O=Red Hat,CN=host1", true)]
    [InlineData("C=GB,*,CN=host?", "C=GB,O=Red Hat,CN=host", false)]
    [InlineData("C=GB,*,CN=host?", "C=GB,O=Red Hat,CN=host12", false)]
    [InlineData("CN=host", "CN=host1", false)]
    [InlineData("CN=host1", "CN=host", false)]
    [InlineData("*b*b*", "abab", true)]
    [InlineData("*ab", "aab", true)]
    [InlineData("a*a", "a", false)]
    [InlineData("CN=?", "CN=ü", true)]
    [InlineData("CN=X", "CN=x", false)]
    [InlineData("CN=[ab]", "CN=a", false)]
    public void Patterns_take_all_of_a_name(string pattern, string name, bool matches) =>
        Assert.Equal(matches, DistinguishedName.Matches(pattern, name));

    [Fact]
    public void A_hostile_pattern_takes_no_time() =>
        Assert.False(DistinguishedName.Matches(string.Concat(Enumerable.Repeat("*a", 1000)) + "b", new string('a', 5000)));

    private static byte[] Value(byte tag, ReadOnlySpan<byte> content) => [tag, (byte)content.Length, .. content];

    private static X500DistinguishedName Name(IEnumerable<(string Kind, byte[] Value)> attributes)
    {
        AsnWriter name = new(AsnEncodingRules.BER);
        using (name.PushSequence())
        {
            foreach ((string kind, byte[] value) in attributes)
            {
                using (name.PushSetOf())
                using (name.PushSequence())
                {
                    name.WriteObjectIdentifier(kind);
                    name.WriteEncodedValue(value);
                }
            }
        }

        return new X500DistinguishedName(name.Encode());
    }

    // .NET makes no certificates with such names.
    private static async Task CompareAsync(IEnumerable<(string Kind, byte[] Value)> attributes)
    {
        X500DistinguishedName name = Name(attributes);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AsnWriter certificate = new(AsnEncodingRules.BER);
        using (certificate.PushSequence())
        {
            using (certificate.PushSequence())
            {
                certificate.WriteInteger(1);
                WriteAlgorithm();
                certificate.WriteEncodedValue(new X500DistinguishedName("CN=authority").RawData);
                using (certificate.PushSequence())
                {
                    certificate.WriteUtcTime(DateTimeOffset.UnixEpoch.AddYears(50));
                    certificate.WriteUtcTime(DateTimeOffset.UnixEpoch.AddYears(70));
                }

                certificate.WriteEncodedValue(name.RawData);
                certificate.WriteEncodedValue(key.ExportSubjectPublicKeyInfo());
            }

            WriteAlgorithm();
            certificate.WriteBitString([0x30, 6, 2, 1, 1, 2, 1, 1]);
        }

        using PrivateDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("cert.pem"), PemEncoding.WriteString("CERTIFICATE", certificate.Encode()), Token);
        CommandResult theirs = await ChildProcess.RunAsync("virt-pki-query-dn", [directory.File("cert.pem")], cancellationToken: Token);
        string? printed = theirs.ExitCode == 0 ? theirs.Output[..^1] : null;
        Assert.True(printed is not null || theirs.Errors.StartsWith("Failed to get distinguished name", StringComparison.Ordinal), theirs.Errors);
        Assert.Equal(printed, DistinguishedName.Of(name)?.Text);

        void WriteAlgorithm()
        {
            using (certificate.PushSequence())
                certificate.WriteObjectIdentifier("1.2.840.10045.4.3.2");
        }
    }
}
