namespace Ballast.Transports;

/// <summary>Where one side of TLS has its certificates; the names are those of libvirt.</summary>
/// <param name="Authorities">Certificates of the authorities that are trusted.</param>
/// <param name="Revocations">Their lists of revoked certificates; the file need not be there.</param>
/// <param name="Certificate">The own certificate, and those between it and the authority.</param>
/// <param name="Key">Its private key.</param>
internal sealed record PkiFiles(string Authorities, string Revocations, string Certificate, string Key)
{
    private const string AuthoritiesName = "cacert.pem", RevocationsName = "cacrl.pem", System = "/etc/pki/libvirt", SystemAuthorities = "/etc/pki/CA";

    /// <summary>All in one directory.</summary>
    public static PkiFiles In(string directory, bool isServer) => new(
        $"{directory}/{AuthoritiesName}", $"{directory}/{RevocationsName}",
        $"{directory}/{(isServer ? "server" : "client")}cert.pem", $"{directory}/{(isServer ? "server" : "client")}key.pem");

    /// <summary>The system's.</summary>
    public static PkiFiles OfSystem(bool isServer) => new(
        $"{SystemAuthorities}/{AuthoritiesName}", $"{SystemAuthorities}/{RevocationsName}",
        $"{System}/{(isServer ? "server" : "client")}cert.pem", $"{System}/private/{(isServer ? "server" : "client")}key.pem");

    /// <summary>Those of a user, and where one is not there the system's; a certificate and its key come from one place.</summary>
    public static PkiFiles OfUser(string home)
    {
        PkiFiles own = In($"{home}/.pki/libvirt", isServer: false), system = OfSystem(isServer: false);
        bool hasPair = File.Exists(own.Certificate) && File.Exists(own.Key);
        return new PkiFiles(
            File.Exists(own.Authorities) ? own.Authorities : system.Authorities, File.Exists(own.Revocations) ? own.Revocations : system.Revocations,
            hasPair ? own.Certificate : system.Certificate, hasPair ? own.Key : system.Key);
    }
}
