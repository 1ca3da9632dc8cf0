using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Server.Dispatch;

/// <summary>
/// Answers with bulk statistics. A message has a greatest length, and what one QEMU tells of itself must not cost the others their
/// answer: where all are too long together, the longest have their state alone.
/// </summary>
internal static class StatsReplies
{
    // The rest is for what is not estimated.
    private const int MostBytes = RpcLimits.MaxFrameBytes / 4 * 3;

    public static AllStatsReply Of(IReadOnlyList<DomainStatsRecord> records) => Of(records, MostBytes);

    internal static AllStatsReply Of(IReadOnlyList<DomainStatsRecord> records, int mostBytes)
    {
        // A domain that was named several times has the same record each time.
        Dictionary<IReadOnlyList<TypedParameter>, RemoteParameter[]> known = new(records.Count, ReferenceEqualityComparer.Instance);
        StatsRecord[] replies = new StatsRecord[records.Count];
        long total = 0;
        for (int i = 0; i < replies.Length; i++)
        {
            if (!known.TryGetValue(records[i].Parameters, out RemoteParameter[]? parameters))
                known[records[i].Parameters] = parameters = [.. records[i].Parameters.Select(RemoteParameter.From)];
            replies[i] = new StatsRecord { Dom = LookupHandlers.ToRemote(records[i].Domain), Params = parameters };
            total += Bytes(parameters);
        }

        if (total > mostBytes)
            Shorten(replies, total, mostBytes);
        return new() { RetStats = replies };
    }

    private static void Shorten(StatsRecord[] replies, long total, int mostBytes)
    {
        foreach (int longest in Enumerable.Range(0, replies.Length).OrderByDescending(i => Bytes(replies[i].Params)).ToArray())
        {
            if (total <= mostBytes)
                return;
            total -= Bytes(replies[longest].Params);
            replies[longest].Params = [.. replies[longest].Params.Where(static field => field.Field.StartsWith("state.", StringComparison.Ordinal))];
            total += Bytes(replies[longest].Params);
        }
    }

    // At least what it takes: three bytes are the most that a character becomes.
    private static long Bytes(RemoteParameter[] parameters)
    {
        const int lengthsTypeAndNumber = 20;
        long bytes = 0;
        foreach (RemoteParameter field in parameters)
            bytes += lengthsTypeAndNumber + field.Field.Length + (3L * (field.Text?.Length ?? 0));
        return bytes;
    }
}
