using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>Opening, and what a connection is.</summary>
internal static class ConnectHandlers
{
    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        OnSync<OpenArgs, Nothing>(RemoteProcedure.ConnectOpen, (session, arguments) =>
        {
            session.Open(arguments.Name, arguments.Flags);
            return default;
        }),
        OnSync<Nothing, Nothing>(RemoteProcedure.ConnectClose, (session, _) =>
        {
            session.Client.CloseAfterAnswers();
            return default;
        }),
        OnSync<FeatureArgs, NumberReply>(RemoteProcedure.ConnectSupportsFeature, SupportsFeature),
        OnSync<Nothing, TextReply>(RemoteProcedure.ConnectGetType, (session, _) => new() { Text = session.Connection.DriverType }),
        On<Nothing, ULongReply>(RemoteProcedure.ConnectGetVersion, async (session, _, token) =>
            new() { Number = LibvirtVersion.ToNumber(await session.Connection.GetVersionAsync(token).ConfigureAwait(false)) }),
        OnSync<Nothing, ULongReply>(RemoteProcedure.ConnectGetLibVersion, (session, _) =>
        {
            session.RequireOpen();
            return new() { Number = LibvirtVersion.Compatible };
        }),
        OnSync<Nothing, TextReply>(RemoteProcedure.ConnectGetUri, (session, _) => new() { Text = session.Uri }),
        OnSync<Nothing, NumberReply>(RemoteProcedure.ConnectIsSecure, (session, _) =>
        {
            session.RequireOpen();
            return new() { Number = session.IsSecure ? 1 : 0 };
        }),
        OnSync<Nothing, Nothing>(RemoteProcedure.ConnectRegisterCloseCallback, (_, _) => default),
        OnSync<Nothing, Nothing>(RemoteProcedure.ConnectUnregisterCloseCallback, (_, _) => default),
        On<Nothing, TextReply>(RemoteProcedure.ConnectGetHostname, async (session, _, token) =>
            new() { Text = await session.Connection.GetHostNameAsync(token).ConfigureAwait(false) }),
        On<Nothing, TextReply>(RemoteProcedure.ConnectGetCapabilities, async (session, _, token) =>
            new() { Text = await session.Connection.GetCapabilitiesAsync(token).ConfigureAwait(false) }),
        On<FlagsArgs, TextReply>(RemoteProcedure.ConnectGetSysinfo, async (session, arguments, token) =>
        {
            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}ConnectGetSysinfo", session.DriverOrigin);
            return new() { Text = await session.Connection.GetSysinfoAsync(token).ConfigureAwait(false) };
        }),
        On<MaxVcpusArgs, NumberReply>(RemoteProcedure.ConnectGetMaxVcpus, async (session, arguments, token) =>
            new() { Number = await session.Connection.GetMaxVcpusAsync(arguments.Type, token).ConfigureAwait(false) }),
    ];

    private static NumberReply SupportsFeature(RemoteSession session, FeatureArgs arguments)
    {
        LibvirtServerOptions options = session.Server.Options;
        switch (arguments.Feature)
        {
            case RemoteFeatures.ProgramKeepalive:
                // Who asks understands it; this alone may be asked before opening.
                session.Client.StartKeepalive(options.KeepaliveInterval, options.KeepaliveCount);
                return new() { Number = 1 };
            case RemoteFeatures.TypedParamString or RemoteFeatures.EventCallback or RemoteFeatures.CloseCallback:
                session.RequireOpen();
                return new() { Number = 1 };
            default:
                session.RequireOpen();
                return default;
        }
    }
}
