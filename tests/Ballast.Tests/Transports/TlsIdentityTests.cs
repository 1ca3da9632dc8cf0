using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Guests;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>Chains of certificates of which not all are self-signed authorities.</summary>
public sealed class TlsIdentityTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false, false, null)]
    [InlineData(false, true, null)]
    [InlineData(true, false, "it is not")]
    [InlineData(true, true, "it is not")]
    public void An_authority_that_another_one_signed_is_believed_and_nobody_who_has_only_its_name(bool isForged, bool sendsRoot, string? fault)
    {
        using ECDsa rootKey = ECDsa.Create(), middleKey = ECDsa.Create(), otherKey = ECDsa.Create(), leafKey = ECDsa.Create();
        using X509Certificate2 root = Request("CN=root", rootKey, isAuthority: true).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
        using X509Certificate2 middle = Signed(Request("CN=middle", middleKey, isAuthority: true), root.SubjectName, rootKey, 1);
        using X509Certificate2 leaf = Signed(Request("CN=leaf", leafKey, isAuthority: false), middle.SubjectName, isForged ? otherKey : middleKey, 2);
        File.WriteAllText(_directory.File("cacert.pem"), middle.ExportCertificatePem());
        TlsIdentity identity = TlsIdentity.Load(PkiFiles.In(_directory.Path, isServer: false), isServer: false, TimeProvider.System);
        string? found = identity.Fault(leaf, sendsRoot ? [middle, root] : [], ofServer: true, Now);
        if (fault is null)
            Assert.Null(found);
        else
            Assert.StartsWith(fault, found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("old new", null)]
    [InlineData("new old", null)]
    [InlineData("old old", "the list of revoked certificates (cacrl.pem) is out of date")]
    [InlineData("old", "the list of revoked certificates (cacrl.pem) is out of date")]
    [InlineData("new old-with-it", "it was revoked")]
    [InlineData("old new-with-it", "it was revoked")]
    [InlineData("new-with-it old", "it was revoked")]
    public void An_old_list_beside_a_newer_one_refuses_nobody_but_those_on_it(string lists, string? fault)
    {
        using TestPki pki = TestPki.Create();
        using X509Certificate2 shown = pki.Write("server");
        string file = Path.Combine(pki.Path, "cacrl.pem");
        Dictionary<string, string> written = [];
        foreach (string suffix in (string[])["", "-with-it"])
        {
            X509Certificate2[] revoked = suffix.Length > 0 ? [shown] : [];
            pki.Revoke(-0.1, revoked);
            written["old" + suffix] = File.ReadAllText(file);
            pki.Revoke(1);
            written["new" + suffix] = File.ReadAllText(file);
        }

        File.WriteAllLines(file, lists.Split(' ').Select(list => written[list]));
        TlsIdentity identity = TlsIdentity.Load(PkiFiles.In(pki.Path, isServer: false), isServer: false, TimeProvider.System, isChecked: false);
        string? found = identity.Fault(shown, [], ofServer: true, Now);
        if (fault is null)
            Assert.Null(found);
        else
            Assert.StartsWith(fault, found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_two_authorities_of_one_name_each_is_believed(bool isFirst)
    {
        // As when one takes the other's place, and nothing but the signature tells them apart.
        using ECDsa oldKey = ECDsa.Create(), newKey = ECDsa.Create(), leafKey = ECDsa.Create();
        using X509Certificate2 old = Request("CN=CA", oldKey, isAuthority: true).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
        using X509Certificate2 newer = Request("CN=CA", newKey, isAuthority: true).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
        using X509Certificate2 leaf = Signed(Request("CN=leaf", leafKey, isAuthority: false), old.SubjectName, isFirst ? oldKey : newKey, 2);
        File.WriteAllText(_directory.File("cacert.pem"), $"{old.ExportCertificatePem()}\n{newer.ExportCertificatePem()}\n");
        TlsIdentity identity = TlsIdentity.Load(PkiFiles.In(_directory.Path, isServer: false), isServer: false, TimeProvider.System);
        Assert.Null(identity.Fault(leaf, [], ofServer: true, Now));
        Assert.Null(identity.Fault(leaf, [], ofServer: false, Now));
    }

    [Theory]
    [InlineData("any", true, null)]
    [InlineData("any", false, null)]
    [InlineData("client", true, "it is not made for this use")]
    [InlineData("server", false, "it is not made for this use")]
    public void A_certificate_for_any_use_is_for_each(string use, bool ofServer, string? fault)
    {
        using TestPki pki = TestPki.Create();
        using X509Certificate2 shown = pki.Write(ofServer ? "server" : "client", use: use);
        TlsIdentity identity = TlsIdentity.Load(PkiFiles.In(pki.Path, isServer: false), isServer: false, TimeProvider.System, isChecked: false);
        Assert.StartsWith(fault ?? "none", identity.Fault(shown, [], ofServer, Now) ?? "none", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cacert.pem", false)]
    [InlineData("cacert.pem", true)]
    [InlineData("cacrl.pem", false)]
    [InlineData("cacrl.pem", true)]
    public void A_file_of_which_a_part_is_missing_is_never_taken_in_part(string name, bool isServer)
    {
        using TestPki pki = TestPki.Create(byCurve: true), other = TestPki.Create(byCurve: true);
        pki.Revoke();
        other.Revoke();
        string file = Path.Combine(pki.Path, name);
        string first = File.ReadAllText(file).TrimEnd() + "\n", second = File.ReadAllText(Path.Combine(other.Path, name)).TrimEnd() + "\n", both = first + second;
        Assert.True(IsTaken(both));
        Assert.True(IsTaken($"a text\n--\n{first.ReplaceLineEndings("\r\n")}another\n{second}"));
        for (int cut = 0; cut < both.Length - 1; cut++)
            Assert.Equal(both[..cut].TrimEnd() + "\n" == first, IsTaken(both[..cut]));

        // The first of them: five dashes and less may be a line between two.
        for (int cut = 6; cut < first.Length - 1; cut++)
            Assert.False(IsTaken($"{first[..cut]}\n{second}"), $"cut at {cut}");
        string[] lines = both.Split('\n')[..^1];
        for (int i = 0; i < lines.Length; i++)
        {
            Assert.False(IsTaken(string.Join('\n', [.. lines[..i], .. lines[(i + 1)..], ""])), $"without line {i}");
            Assert.False(IsTaken(string.Join('\n', [.. lines[..i], lines[i], .. lines[i..], ""])), $"twice line {i}");
            Assert.False(IsTaken(string.Join('\n', [.. lines[..i], lines[i][4..], .. lines[(i + 1)..], ""])), $"half of line {i}");
        }

        bool IsTaken(string text)
        {
            File.WriteAllText(file, text);
            try
            {
                _ = TlsIdentity.Load(PkiFiles.In(pki.Path, isServer), isServer, TimeProvider.System, isChecked: false);
                return true;
            }
            catch (LibvirtException e)
            {
                Assert.StartsWith("Unable to import CA ", e.Message, StringComparison.Ordinal);
                return false;
            }
        }
    }

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
    {
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        return request;
    }

    private static X509Certificate2 Signed(CertificateRequest request, X500DistinguishedName issuer, ECDsa key, byte serial) =>
        request.Create(issuer, X509SignatureGenerator.CreateForECDsa(key), Now.AddHours(-20), Now.AddHours(20), [serial]);
}
