using Ballast.Server.Tls;

namespace Ballast.Daemon;

/// <summary>
/// Who is let in, and who may change something. They are replaced as a whole, and a client is judged by one set of them: rights of
/// newer settings do not come without the passwords of these.
/// </summary>
/// <param name="Options">The settings: which sockets ask for a password, and whether clients that come by TCP may change something.</param>
/// <param name="Group">Whose members may change something.</param>
/// <param name="Tls">Who is let in by TLS; null: there is no TLS.</param>
internal sealed record AccessRules(DaemonOptions Options, uint? Group, TlsAccess? Tls);

/// <summary>The rules for clients that come from now on.</summary>
/// <param name="rules">The first ones.</param>
internal sealed class CurrentAccess(AccessRules rules)
{
    private volatile AccessRules _rules = rules;

    public AccessRules Rules
    {
        get => _rules;
        set => _rules = value;
    }
}
