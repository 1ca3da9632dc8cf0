using Ballast.Recorder;
using Ballast.Rpc;

namespace Ballast.Fuzz.Wire;

/// <summary>What was recorded from a real daemon, to make inputs of.</summary>
internal static class Recordings
{
    /// <summary>The domain of <c>test:///default</c>, in place of those that were recorded.</summary>
    private static readonly byte[] TestDomain = Convert.FromHexString("6695eb01f6a4830479aa97f2502e193f");

    private static readonly byte[][] RecordedDomains =
    [
        .. new[] { "11111111222233334444555555555555", "22222222222233334444555555555555", "33333333222233334444555555555555" }.Select(Convert.FromHexString),
    ];

    public static IReadOnlyList<RecordedFrame> All { get; } = RecordedFrame.ReadAll();

    /// <summary>What clients sent, about a domain that our test driver has.</summary>
    public static IReadOnlyList<byte[]> Calls { get; } = [.. All.Where(frame => frame.IsFromClient).Select(frame => Aimed(frame.Bytes))];

    /// <summary>What the daemon answered to a procedure, and its events.</summary>
    public static ILookup<int, byte[]> Replies { get; } =
        All.Where(frame => !frame.IsFromClient && frame.Header.Type == RpcType.Reply).ToLookup(frame => frame.Header.Procedure, frame => frame.Bytes);

    public static IReadOnlyList<byte[]> Events { get; } =
        [.. All.Where(frame => !frame.IsFromClient && frame.Header.Type == RpcType.Message).Select(frame => frame.Bytes)];

    private static byte[] Aimed(byte[] frame)
    {
        byte[] aimed = [.. frame];
        foreach (byte[] recorded in RecordedDomains)
        {
            if (aimed.AsSpan().IndexOf(recorded) is >= 0 and var at)
                TestDomain.CopyTo(aimed, at);
        }

        return aimed;
    }
}
