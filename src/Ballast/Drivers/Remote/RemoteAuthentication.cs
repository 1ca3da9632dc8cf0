using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

/// <summary>The ways to prove who one is, and which of a daemon's is taken.</summary>
internal static class RemoteAuthentication
{
    public const string Polkit = "polkit", Sasl = "sasl";

    private const int None = 0, WithPolkit = 2;

    /// <summary>Whether the daemon is to ask polkit; else it wants nothing.</summary>
    /// <param name="offered">What the daemon takes.</param>
    /// <param name="wanted">What the URI insists on; null: nothing.</param>
    /// <exception cref="LibvirtException">There is no way that both have.</exception>
    public static bool AsksPolkit(AuthListReply offered, string? wanted)
    {
        bool hasPolkit = offered.Types.Any(way => way.Type == WithPolkit);
        bool hasSasl = offered.Types.Any(way => way.Type is not (None or WithPolkit));
        if ((wanted == Polkit && !hasPolkit) || (wanted == Sasl && !hasSasl))
            throw Failed($"requested authentication type {wanted} rejected");
        if (wanted == Sasl || (hasSasl && !hasPolkit && !offered.Types.Any(way => way.Type == None)))
            throw LibvirtError.Report(ErrorCode.AuthenticationUnavailable, ErrorOrigin.Authentication, "the daemon wants SASL, which is not supported");
        return hasPolkit;
    }

    public static LibvirtException Failed(string detail) => LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Remote, detail);
}
