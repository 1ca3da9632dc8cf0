using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

/// <summary>How a client proves who it is.</summary>
internal enum AuthenticationWay
{
    /// <summary>It need not.</summary>
    None,

    /// <summary>By a name and a password, or what proves that it has one.</summary>
    Sasl,

    /// <summary>The daemon asks polkit about the process.</summary>
    Polkit,
}

/// <summary>The ways to prove who one is, and which of a daemon's is taken.</summary>
internal static class RemoteAuthentication
{
    private const string Polkit = "polkit", Sasl = "sasl", Mechanism = "sasl.";

    private const int None = 0, WithSasl = 1, WithPolkit = 2;

    /// <summary>Whether a URI can insist on that (<c>auth=</c>).</summary>
    public static bool IsKnown(string way) => way is Polkit or Sasl || MechanismOf(way) is not null;

    /// <summary>The mechanism that a URI insists on (<c>auth=sasl.NAME</c>); null: any.</summary>
    public static string? MechanismOf(string? wanted) =>
        wanted is { Length: > 5 } && wanted.StartsWith(Mechanism, StringComparison.Ordinal) ? wanted[Mechanism.Length..] : null;

    /// <summary>The way that is taken.</summary>
    /// <param name="offered">What the daemon takes.</param>
    /// <param name="wanted">What the URI insists on; null: nothing.</param>
    /// <exception cref="LibvirtException">There is no way that both have.</exception>
    public static AuthenticationWay Choose(AuthListReply offered, string? wanted)
    {
        bool Has(int type) => Array.Exists(offered.Types, way => way.Type == type);
        bool wantsPolkit = wanted == Polkit, wantsSasl = wanted is not null && !wantsPolkit;
        if ((wantsPolkit && !Has(WithPolkit)) || (wantsSasl && !Has(WithSasl)))
            throw Failed($"requested authentication type {wanted} rejected");
        if (wantsSasl)
            return AuthenticationWay.Sasl;
        if (Has(WithPolkit))
            return AuthenticationWay.Polkit;
        if (Has(None) || offered.Types.Length == 0)
            return AuthenticationWay.None;
        return Has(WithSasl)
            ? AuthenticationWay.Sasl
            : throw LibvirtError.Report(
                ErrorCode.AuthenticationUnavailable, ErrorOrigin.Authentication, "the daemon requires authentication that is neither SASL nor polkit");
    }

    public static LibvirtException Failed(string detail) => LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Remote, detail);
}
