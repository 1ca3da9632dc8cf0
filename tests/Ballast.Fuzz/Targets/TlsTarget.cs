using Ballast.Transports;

namespace Ballast.Fuzz.Targets;

/// <summary>
/// What a daemon sends inside TLS once the handshake is over: the byte that says that our certificate is good, and then frames, in
/// whatever pieces. Only that byte lets the client go on. The first byte of the input chooses the pieces, the rest is what comes.
/// </summary>
internal sealed class TlsTarget : TransportTarget
{
    private const byte Welcome = 1;

    public override string Name => "tls";

    public override IReadOnlyList<byte[]> Dictionary => new ClientTarget().Dictionary;

    public override IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. Sessions.Select(session => (byte[])[0, Welcome, .. session]), .. Sessions.Select(session => (byte[])[3, Welcome, .. session]),
        [1], [2, 0], [3, Welcome], [4, Welcome, Welcome], [5, 0x15, 3, 3, 0, 2, 1, 0],
    ];

    public override int Run(byte[] input)
    {
        if (input.Length == 0)
            return 0;
        bool? isWelcome = null;
        int outcome = Ask(input[0], input[1..Math.Min(2, input.Length)], input[Math.Min(2, input.Length)..], async stream =>
        {
            isWelcome = await IsWelcomeAsync(stream);
            return isWelcome == true ? stream : null;
        });
        FuzzException.Require(isWelcome == (input.Length > 1 && input[1] == Welcome), "another byte than the one that welcomes is taken for it, or that one is not");
        return HashCode.Combine(isWelcome, outcome);
    }

    private static async Task<bool> IsWelcomeAsync(Stream stream)
    {
        try
        {
            await TlsEndpoint.ReadWelcomeAsync(stream, null, hasOwn: true, CancellationToken.None);
            return true;
        }
        catch (LibvirtException e)
        {
            FuzzException.Require(e.Code == ErrorCode.Rpc, $"it is refused with {e.Code}");
            return false;
        }
    }
}
