using System.Collections.Concurrent;
using Ballast.Fuzz.Wire;
using Ballast.Transports;

namespace Ballast.Fuzz.Targets;

/// <summary>What a daemon sends through a transport that has a beginning of its own, before and between the frames, in pieces.</summary>
internal abstract class TransportTarget : FuzzTarget
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    /// <summary>Recorded sessions, frame by frame: what a client's calls are answered with.</summary>
    protected static IReadOnlyList<byte[]> Sessions => new ClientTarget().Seeds;

    /// <summary>Lets our client ask everything.</summary>
    /// <param name="pieces">Which pieces the bytes come in.</param>
    /// <param name="greeting">What comes before anything was asked.</param>
    /// <param name="answers">What comes for the calls.</param>
    /// <param name="connect">Makes a transport of the daemon's bytes; null where it refuses to.</param>
    /// <returns>What came of it, in kind.</returns>
    protected static int Ask(int pieces, byte[] greeting, byte[] answers, Func<Stream, Task<Stream?>> connect) =>
        AskAsync(pieces, greeting, answers, connect).GetAwaiter().GetResult();

    private static async Task<int> AskAsync(int pieces, byte[] greeting, byte[] answers, Func<Stream, Task<Stream?>> connect)
    {
        PipePair pipes = new();
        ConcurrentBag<int> outcomes = [];
        Task serving = ServeAsync(new PipedPeer(pipes.Far), greeting, answers), client = UseAsync();
        try
        {
            await client.WaitAsync(Deadline);
            await serving.WaitAsync(Deadline);
        }
        catch (TimeoutException e)
        {
            throw new FuzzException("a call never ends", e);
        }

        return outcomes.Aggregate(0, (all, one) => unchecked(all + one));

        async Task UseAsync()
        {
            PieceStream stream = new(pipes.Near, pieces);
            if (await connect(stream) is { } connected)
            {
                SocketTransport transport = new(connected);
                await ClientExercise.RunAsync(new Ends(transport.Input, transport.Output), outcomes.Add, transport.DisposeAsync);
            }

            await stream.DisposeAsync();
        }
    }

    private static async Task ServeAsync(PipedPeer peer, byte[] greeting, byte[] answers)
    {
        peer.Send(greeting);
        await new InputServer(answers).ServeAsync(peer);
    }

    private sealed record Ends(System.IO.Pipelines.PipeReader Input, System.IO.Pipelines.PipeWriter Output) : System.IO.Pipelines.IDuplexPipe;
}
