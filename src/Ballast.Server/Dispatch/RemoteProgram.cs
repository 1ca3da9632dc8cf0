using System.Collections.Frozen;
using Ballast.Rpc;

namespace Ballast.Server.Dispatch;

/// <summary>The procedures of libvirt's <c>remote</c> program that are served; every other one is unknown.</summary>
internal static class RemoteProgram
{
    public static FrozenDictionary<int, Handler> Handlers { get; } =
        new[] { ConnectHandlers.All, LookupHandlers.All, DomainHandlers.All, ProcessorHandlers.All, MemoryHandlers.All, NodeHandlers.All, EventHandlers.All }
            .SelectMany(handlers => handlers)
            .ToFrozenDictionary(pair => (int)pair.Procedure, pair => pair.Handler);

    public static Handler? Find(int procedure) => Handlers.GetValueOrDefault(procedure);

    public static (RemoteProcedure Procedure, Handler Handler) On<TArgs, TReply>(
        RemoteProcedure procedure, Func<RemoteSession, TArgs, CancellationToken, ValueTask<TReply>> run)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> => (procedure, new Handler<TArgs, TReply>(run));

    /// <summary>A procedure that changes something and answers nothing.</summary>
    public static (RemoteProcedure Procedure, Handler Handler) OnChange<TArgs>(
        RemoteProcedure procedure, Func<RemoteSession, TArgs, CancellationToken, ValueTask> run)
        where TArgs : struct, IXdrMessage<TArgs> =>
        On<TArgs, Nothing>(procedure, async (session, arguments, token) =>
        {
            await run(session, arguments, token).ConfigureAwait(false);
            return default;
        });

    /// <summary>A procedure that answers without asking anybody.</summary>
    public static (RemoteProcedure Procedure, Handler Handler) OnFact<TArgs, TReply>(
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
