using System.Collections.Frozen;
using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Server.Dispatch;

/// <summary>The procedures of libvirt's <c>remote</c> program that are served; every other one is unknown.</summary>
internal static class RemoteProgram
{
    public static FrozenDictionary<int, Handler> Handlers { get; } =
        new[] { AuthenticationHandlers.All, ConnectHandlers.All, LookupHandlers.All, DomainHandlers.All, DefinitionHandlers.All, ProcessorHandlers.All, FactsHandlers.All, MemoryHandlers.All, NodeHandlers.All, EventHandlers.All }
            .SelectMany(handlers => handlers)
            .ToFrozenDictionary(pair => (int)pair.Procedure, pair => pair.Handler);

    public static Handler? Find(int procedure) => Handlers.GetValueOrDefault(procedure);

    public static (RemoteProcedure Procedure, Handler Handler) On<TArgs, TReply>(
        RemoteProcedure procedure, Func<RemoteSession, TArgs, CancellationToken, ValueTask<TReply>> run)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> => (procedure, new Handler<TArgs, TReply>(run));

    /// <summary>A procedure that changes a domain and answers nothing.</summary>
    /// <param name="procedure">Its number.</param>
    /// <param name="describe">What it changes of which domain, for the log.</param>
    /// <param name="run">Does it.</param>
    public static (RemoteProcedure Procedure, Handler Handler) OnChange<TArgs>(
        RemoteProcedure procedure, Func<TArgs, (string What, RemoteDomain Domain)> describe, Func<RemoteSession, TArgs, CancellationToken, ValueTask> run)
        where TArgs : struct, IXdrMessage<TArgs> =>
        On<TArgs, Nothing>(procedure, async (session, arguments, token) =>
        {
            await ChangeAsync(session, describe(arguments), () => run(session, arguments, token)).ConfigureAwait(false);
            return default;
        });

    /// <summary>Changes a domain, and tells of it.</summary>
    public static async ValueTask ChangeAsync(RemoteSession session, (string What, RemoteDomain Domain) change, Func<ValueTask> run)
    {
        try
        {
            await run().ConfigureAwait(false);
            Tell(session, change, isSure: true);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.OperationTimeout)
        {
            Tell(session, change, isSure: false);
            throw;
        }
    }

    public static void Tell(RemoteSession session, (string What, RemoteDomain Domain) change, bool isSure) =>
        session.Changed(new ClientChange(change.What, change.Domain.Name, change.Domain.Uuid, isSure));

    /// <summary>A procedure that answers without asking anybody.</summary>
    public static (RemoteProcedure Procedure, Handler Handler) OnSync<TArgs, TReply>(
        RemoteProcedure procedure, Func<RemoteSession, TArgs, TReply> run)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        On<TArgs, TReply>(procedure, (session, arguments, _) => new ValueTask<TReply>(run(session, arguments)));

    public static void RefuseFlags(uint flags, string function, ErrorOrigin origin)
    {
        if (flags != 0)
            throw LibvirtError.UnsupportedFlags(flags, function, origin);
    }
}
