using Ballast.Interop;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Sasl;

namespace Ballast.Drivers.Remote;

/// <summary>Proves to a daemon who one is, by a name and a password.</summary>
/// <param name="host">The host, as the auth file and questions name it.</param>
/// <param name="user">The user that the URI names; null: none.</param>
/// <param name="file">The auth file that the URI names; null: none.</param>
/// <param name="isPrivate">Whether nobody else can read what is sent: only then is a password sent as it is.</param>
/// <param name="options">Who is asked for what nobody has said, and whether the connection may be opened again.</param>
internal sealed class SaslLogin(string host, string? user, string? file, bool isPrivate, ConnectionOptions options)
{
    // More than any mechanism of ours takes.
    private const int MaxRounds = 4;

    // Nobody is asked again in the middle of the work: kept only where the connection may be opened again.
    private (string Name, string Password)? _known;

    public static SaslLogin Of(ConnectUri uri, bool isPrivate, ConnectionOptions options) => new(
        uri.Host.Length > 0 ? uri.Host : "localhost", uri.Transport == "ssh" || uri.User is "" ? null : uri.User, uri.Parameter("authfile"), isPrivate, options);

    /// <param name="link">The way to the daemon.</param>
    /// <param name="wanted">The mechanism that the URI insists on; null: the best that both have.</param>
    /// <param name="token">Gives up.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.AuthenticationFailed"/>: the daemon does not let that user in, or is not what it should be.
    /// <see cref="ErrorCode.AuthenticationUnavailable"/>: there is no mechanism that both have.
    /// </exception>
    public async ValueTask EnterAsync(RemoteLink link, string? wanted, CancellationToken token)
    {
        TextReply offered = await link.OpeningCallAsync<Nothing, TextReply>(RemoteProcedure.AuthSaslInit, default, token).ConfigureAwait(false);
        string mechanism = Choose(offered.Text, wanted);
        SystemOpenSsl.RequireForSasl();
        (string name, string password) = _known ?? await CredentialsAsync(token).ConfigureAwait(false);
        try
        {
            await ExchangeAsync(link, mechanism == ScramKeys.Mechanism ? new ScramClient(name, password) : new PlainClient(name, password), token).ConfigureAwait(false);
        }
        catch (SaslException e)
        {
            _known = null;
            throw RemoteAuthentication.Failed(e.Message);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.AuthenticationFailed)
        {
            _known = null;
            throw LibvirtError.Report(e.Code, e.Origin, $"the daemon does not let user {DisplayText.Quote(name)} in: {e.Str2 ?? e.Message}", e);
        }

        if (options.Reconnect)
            _known = (name, password);
    }

    private string Choose(string offered, string? wanted)
    {
        string[] mechanisms = offered.Split([',', ' ', '[', ']'], StringSplitOptions.RemoveEmptyEntries);
        foreach (string mechanism in isPrivate ? (string[])[ScramKeys.Mechanism, PlainClient.Name] : [ScramKeys.Mechanism])
        {
            if ((wanted is null || wanted == mechanism) && mechanisms.Contains(mechanism, StringComparer.Ordinal))
                return mechanism;
        }

        string ours = isPrivate ? $"{ScramKeys.Mechanism} and {PlainClient.Name}" : $"{ScramKeys.Mechanism} (and {PlainClient.Name} where nobody can listen: over a Unix socket, ssh or TLS)";
        throw LibvirtError.Report(
            ErrorCode.AuthenticationUnavailable, ErrorOrigin.Authentication,
            $"the daemon offers the SASL mechanisms {DisplayText.Quote(offered)}{(wanted is null ? "" : $", the URI wants {DisplayText.Quote(wanted)}")}, and Ballast has {ours}");
    }

    private static async ValueTask ExchangeAsync(RemoteLink link, ISaslClient client, CancellationToken token)
    {
        SaslReply reply = await link.OpeningCallAsync<SaslStartArgs, SaslReply>(
            RemoteProcedure.AuthSaslStart, new() { Mechanism = client.Mechanism, Data = SaslByte.Of(client.Begin()) }, token).ConfigureAwait(false);
        for (int round = 0; round < MaxRounds; round++)
        {
            // A daemon that is content has to prove itself all the same.
            byte[]? answer = client.IsComplete && reply.IsNil ? null : client.Answer(reply.IsNil ? [] : SaslByte.ToBytes(reply.Data));
            if (reply.IsComplete)
            {
                if (!client.IsComplete)
                    throw new SaslException("the daemon ends the exchange before it has proven that it knows the password");
                return;
            }

            reply = await link.OpeningCallAsync<SaslStepArgs, SaslReply>(
                RemoteProcedure.AuthSaslStep, new() { IsNil = answer is null, Data = SaslByte.Of(answer) }, token).ConfigureAwait(false);
        }

        throw new SaslException("the daemon does not come to an end");
    }

    private async ValueTask<(string Name, string Password)> CredentialsAsync(CancellationToken token)
    {
        AuthFile.Credentials found = AuthFile.Find(file, host, user);
        string name = user ?? found.Name ?? await AskAsync(new(CredentialKind.UserName, "Please enter your authentication name", host)).ConfigureAwait(false);
        string password = found.Password ?? await AskAsync(new(CredentialKind.Password, "Please enter your password", host)).ConfigureAwait(false);
        return (name, password);

        async ValueTask<string> AskAsync(CredentialRequest request)
        {
            if (options.AskCredential is not { } ask)
            {
                throw LibvirtError.Report(
                    ErrorCode.AuthenticationFailed, ErrorOrigin.Authentication,
                    "the daemon requires a user's name and password (SASL): put them into an auth file (authfile=, LIBVIRT_AUTH_FILE), or set ConnectionOptions.AskCredential");
            }

            // Somebody may type for a while: not on the thread that receives for everybody.
            // The deadline holds whether or not the answerer looks at its token.
            return await Task.Run(() => ask(request, token).AsTask(), token).WaitAsync(token).ConfigureAwait(false)
                ?? throw LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Authentication, "the question for a name and a password was not answered");
        }
    }
}
