using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server.Authentication;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>How a client is let in: all that it may call before.</summary>
internal static class AuthenticationHandlers
{
    private const int None = 0, WithSasl = 1;

    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        OnSync<Nothing, AuthListReply>(RemoteProcedure.AuthList, (session, _) =>
        {
            if (session.Sasl is not null)
                return new() { Types = [new AuthType { Type = WithSasl }] };

            // Who may enter was decided when the socket was opened.
            session.Authenticate();
            return new() { Types = [new AuthType { Type = None }] };
        }),
        OnSync<Nothing, TextReply>(RemoteProcedure.AuthSaslInit, (session, _) => new() { Text = Exchange(session).Mechanisms }),
        On<SaslStartArgs, SaslReply>(RemoteProcedure.AuthSaslStart, (session, arguments, _) =>
            StepAsync(session, exchange => exchange.StartAsync(arguments.Mechanism, arguments.IsNil ? null : SaslByte.ToBytes(arguments.Data)))),
        On<SaslStepArgs, SaslReply>(RemoteProcedure.AuthSaslStep, (session, arguments, _) =>
            StepAsync(session, exchange => exchange.StepAsync(arguments.IsNil ? null : SaslByte.ToBytes(arguments.Data)))),
        OnSync<Nothing, NumberReply>(RemoteProcedure.AuthPolkit, (session, _) =>
        {
            if (session.Sasl is not null)
                throw Failed();
            session.Authenticate();
            return new() { Number = 1 };
        }),
    ];

    private static async ValueTask<SaslReply> StepAsync(RemoteSession session, Func<SaslExchange, Task<SaslReply>> step)
    {
        // Who need not prove anything guesses nothing.
        SaslExchange exchange = Exchange(session);
        SaslReply reply;
        try
        {
            reply = await step(exchange).ConfigureAwait(false);
        }
        catch (LibvirtException)
        {
            // Who guesses connects again for each guess.
            session.Client.CloseAfterAnswers();
            throw;
        }

        if (reply.IsComplete)
            session.Authenticate();
        return reply;
    }

    private static SaslExchange Exchange(RemoteSession session) => session.Sasl is { } sasl && !session.IsAuthenticated ? sasl : throw Failed();

    private static LibvirtException Failed() => LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Rpc, "authentication failed");
}
