using System.Security.Cryptography.X509Certificates;
using Ballast.Guests;
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
        Assert.Equal((0, theirs.Output.TrimEnd('\n')), (theirs.ExitCode, DistinguishedName.Text(certificate.SubjectName)));
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
}
