using System.Globalization;
using System.Net.Sockets;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Worlds;

/// <summary>What starts and ends a world's processes: tests/worlds/nursery.c, which explains its requests.</summary>
internal sealed class Nursery : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly Socket _socket;
    private readonly StreamReader _answers;
    private readonly StreamWriter _requests;
    private readonly SemaphoreSlim _turn = new(1);

    private Nursery(ChildProcess process, Socket socket)
    {
        _process = process;
        _socket = socket;
        NetworkStream stream = new(socket);
        _answers = new StreamReader(stream);
        _requests = new StreamWriter(stream) { AutoFlush = true };
    }

    public static async Task<Nursery> StartAsync(string programs, CancellationToken cancellationToken)
    {
        using PrivateDirectory directory = new();
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("nursery")));
        listener.Listen();
        ChildProcess process = await ChildProcess.StartAsync(WorldPrograms.Nursery(programs), [directory.File("nursery")]);
        return new Nursery(process, await Deadline.WithinAsync(
            Deadline.Default, "nursery", token => listener.AcceptAsync(token).AsTask(), cancellationToken));
    }

    /// <summary>Asks for something that is expected to work.</summary>
    public async Task<string> AskAsync(params IEnumerable<string> words)
    {
        string request = string.Join('\t', words), answer = await TryAsync(request);
        return answer.StartsWith("error", StringComparison.Ordinal)
            ? throw new InvalidOperationException($"nursery: {request.Replace('\t', ' ')}: {answer} {_process.Errors}")
            : answer;
    }

    /// <summary>Asks for something that may be impossible: a file that is not there, a socket that nobody listens on.</summary>
    public Task<string> TryAsync(params IEnumerable<string> words) => TryAsync(string.Join('\t', words));

    public async Task<int> StartProcessAsync(params IEnumerable<string> words) =>
        int.Parse(await AskAsync(["start", .. words]), CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _process.DisposeAsync();
        _answers.Dispose();
        _turn.Dispose();
    }

    private async Task<string> TryAsync(string request)
    {
        await _turn.WaitAsync();
        try
        {
            await _requests.WriteLineAsync(request);
            return await Deadline.WithinAsync(Deadline.Default, $"answer to {request}", async token =>
                await _answers.ReadLineAsync(token) ?? throw new InvalidOperationException($"the nursery is gone: {_process.Errors}"),
                CancellationToken.None);
        }
        finally
        {
            _turn.Release();
        }
    }
}
