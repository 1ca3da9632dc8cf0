using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>What a domain is, and what makes it run, stop or go.</summary>
internal static class DomainHandlers
{
    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        On<DomainArgs, NumberReply>(RemoteProcedure.DomainIsActive, async (session, arguments, token) =>
            ToReply(await session.Domain(arguments.Dom).IsActiveAsync(token).ConfigureAwait(false))),
        On<DomainArgs, NumberReply>(RemoteProcedure.DomainIsPersistent, async (session, arguments, token) =>
            ToReply(await session.Domain(arguments.Dom).IsPersistentAsync(token).ConfigureAwait(false))),
        On<DomainArgs, NumberReply>(RemoteProcedure.DomainIsUpdated, async (session, arguments, token) =>
            ToReply(await session.Domain(arguments.Dom).IsUpdatedAsync(token).ConfigureAwait(false))),
        On<DomainArgs, NumberReply>(RemoteProcedure.DomainGetAutostart, async (session, arguments, token) =>
            ToReply(await session.Domain(arguments.Dom).GetAutostartAsync(token).ConfigureAwait(false))),
        On<DomainFlagsArgs, NumberReply>(RemoteProcedure.DomainHasManagedSaveImage, async (session, arguments, token) =>
        {
            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainHasManagedSaveImage", session.DriverOrigin);
            return ToReply(await session.Domain(arguments.Dom).HasManagedSaveImageAsync(token).ConfigureAwait(false));
        }),
        On<DomainArgs, TextReply>(RemoteProcedure.DomainGetOSType, async (session, arguments, token) =>
            new() { Text = await session.Domain(arguments.Dom).GetOSTypeAsync(token).ConfigureAwait(false) }),
        On<DomainFlagsArgs, TextReply>(RemoteProcedure.DomainGetXmlDesc, async (session, arguments, token) =>
            new() { Text = await session.Domain(arguments.Dom).GetXmlAsync((DomainXmlFlags)arguments.Flags, token).ConfigureAwait(false) }),
        On<DomainArgs, DomainInfoReply>(RemoteProcedure.DomainGetInfo, async (session, arguments, token) =>
        {
            DomainInfo info = await session.Domain(arguments.Dom).GetInfoAsync(token).ConfigureAwait(false);
            return new()
            {
                State = (uint)info.State,
                MaxMem = info.MaxMemoryKiB,
                Memory = info.MemoryKiB,
                NrVirtCpu = (uint)info.VirtualCpus,
                CpuTime = (ulong)info.CpuTime.Ticks * TimeSpan.NanosecondsPerTick,
            };
        }),
        On<DomainFlagsArgs, DomainStateReply>(RemoteProcedure.DomainGetState, async (session, arguments, token) =>
        {
            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainGetState", session.DriverOrigin);
            DomainStateInfo state = await session.Domain(arguments.Dom).GetStateAsync(token).ConfigureAwait(false);
            return new() { State = (int)state.State, Reason = state.Reason };
        }),
        On<DomainFlagsArgs, MessagesReply>(RemoteProcedure.DomainGetMessages, async (session, arguments, token) =>
        {
            const uint known = (uint)(DomainMessageKinds.Deprecation | DomainMessageKinds.Tainting);
            RefuseFlags(arguments.Flags & ~known, $"{session.DriverPrefix}DomainGetMessages", session.DriverOrigin);
            IReadOnlyList<string> messages = await session.Domain(arguments.Dom).GetMessagesAsync(
                (DomainMessageKinds)arguments.Flags, token).ConfigureAwait(false);
            return new() { Msgs = [.. messages.Select(text => new DomainMessage { Text = text })] };
        }),
        OnChange<DomainArgs>(RemoteProcedure.DomainSuspend, arguments => ("suspend", arguments.Dom), (session, arguments, token) => session.Domain(arguments.Dom).SuspendAsync(token)),
        OnChange<DomainArgs>(RemoteProcedure.DomainResume, arguments => ("resume", arguments.Dom), (session, arguments, token) => session.Domain(arguments.Dom).ResumeAsync(token)),
        OnChange<DomainArgs>(RemoteProcedure.DomainShutdown, arguments => ("shutdown", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).ShutdownAsync(cancellationToken: token)),
        OnChange<DomainFlagsArgs>(RemoteProcedure.DomainShutdownFlags, arguments => ("shutdown", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).ShutdownAsync((DomainShutdownFlags)arguments.Flags, token)),
        OnChange<DomainFlagsArgs>(RemoteProcedure.DomainReset, arguments => ("reset", arguments.Dom), (session, arguments, token) =>
        {
            if (!session.Connection.IsReadOnly)
                RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainReset", session.DriverOrigin);
            return session.Domain(arguments.Dom).ResetAsync(token);
        }),
        OnChange<DomainArgs>(RemoteProcedure.DomainDestroy, arguments => ("destroy", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).DestroyAsync(cancellationToken: token)),
        OnChange<DomainFlagsArgs>(RemoteProcedure.DomainDestroyFlags, arguments => ("destroy", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).DestroyAsync((DomainDestroyFlags)arguments.Flags, token)),
    ];

    private static NumberReply ToReply(bool value) => new() { Number = value ? 1 : 0 };

    private static async ValueTask ResolveAsync(RemoteSession session, RemoteDomain domain, CancellationToken token) =>
        _ = await session.Domain(domain).IsActiveAsync(token).ConfigureAwait(false);
}
