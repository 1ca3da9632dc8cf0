using System.Buffers;
using System.Reflection;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;

namespace Ballast.Fuzz.Wire;

/// <summary>Which message a frame carries, and messages whose type is known only when it runs.</summary>
internal static class WireMessages
{
    // Messages of procedures that no handler of ours serves.
    private static readonly Dictionary<RemoteProcedure, (Type Arguments, Type Reply)> Unserved = new()
    {
        [RemoteProcedure.DomainGetSecurityLabel] = (typeof(DomainArgs), typeof(SecurityLabelReply)),
        [RemoteProcedure.NodeGetSecurityModel] = (typeof(Nothing), typeof(SecurityModelReply)),
    };

    private static readonly Dictionary<Type, Func<byte[], byte[]>> Recoders = [];

    public static IReadOnlyDictionary<RemoteProcedure, Type> Events { get; } = new Dictionary<RemoteProcedure, Type>
    {
        [RemoteProcedure.DomainEventLifecycle] = typeof(LifecycleEvent),
        [RemoteProcedure.DomainEventReboot] = typeof(RebootEvent),
        [RemoteProcedure.DomainEventBalloonChange] = typeof(BalloonEvent),
        [RemoteProcedure.DomainEventCallbackLifecycle] = typeof(LifecycleCallback),
        [RemoteProcedure.DomainEventCallbackReboot] = typeof(RebootCallback),
        [RemoteProcedure.DomainEventCallbackBalloonChange] = typeof(BalloonCallback),
        [RemoteProcedure.DomainEventCallbackMetadataChange] = typeof(MetadataCallback),
        [RemoteProcedure.ConnectEventConnectionClosed] = typeof(ConnectionClosedEvent),
    };

    /// <summary>The message behind the header; null where there is none that we know.</summary>
    public static Type? Of(in RpcHeader header)
    {
        if (header.Type == RpcType.Reply && header.Status == RpcStatus.Error)
            return typeof(RemoteError);
        if (header.Program == RpcPrograms.Keepalive)
            return typeof(Nothing);
        if (header.Type == RpcType.Message)
            return header.Program == RpcPrograms.Remote ? Events.GetValueOrDefault((RemoteProcedure)header.Procedure) : null;
        if (header.Type is not (RpcType.Call or RpcType.Reply))
            return null;
        (Type Arguments, Type Reply)? types = header.Program switch
        {
            RpcPrograms.Remote when RemoteProgram.Find(header.Procedure) is { } handler => handler.Types,
            RpcPrograms.Remote when Unserved.TryGetValue((RemoteProcedure)header.Procedure, out (Type Arguments, Type Reply) known) => known,
            RpcPrograms.Ballast => BallastProgram.Find(header.Procedure)?.Types,
            _ => null,
        };
        return header.Type == RpcType.Call ? types?.Arguments : types?.Reply;
    }

    /// <summary>Decodes bytes as that message, and encodes what came out.</summary>
    /// <exception cref="XdrException">They are no such message.</exception>
    public static byte[] Recode(Type message, byte[] bytes)
    {
        Func<byte[], byte[]>? recode;
        lock (Recoders)
        {
            if (!Recoders.TryGetValue(message, out recode))
            {
                recode = typeof(WireMessages).GetMethod(nameof(ReadAndWrite), BindingFlags.Static | BindingFlags.NonPublic)!
                    .MakeGenericMethod(message).CreateDelegate<Func<byte[], byte[]>>();
                Recoders.Add(message, recode);
            }
        }

        return recode(bytes);
    }

    private static byte[] ReadAndWrite<T>(byte[] bytes)
        where T : struct, IXdrMessage<T>
    {
        ArrayBufferWriter<byte> output = new();
        XdrWriter.Write(output, XdrReader.Read<T>(bytes));
        return output.WrittenSpan.ToArray();
    }
}
