using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Ballast.Guests;

namespace Ballast.Tests.Fakes;

/// <summary>
/// A scripted monitor: a QMP server on a unix socket that serves one client at a time, as QEMU does, and answers each
/// command in turn. By default as a <see cref="FakeGuest"/>; a test scripts what shall be otherwise.
/// </summary>
internal sealed partial class FakeQmp : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private readonly PrivateDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, Func<FakeCommand, Task<string?>>> _script = new();
    private readonly Lock _gate = new();
    private readonly List<FakeCommand> _commands = [];
    private readonly SemaphoreSlim _writing = new(1);
    private readonly AsyncLocal<Socket?> _answered = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Socket? _client;
    private Task _serving = Task.CompletedTask;

    private FakeQmp(string? greeting, string? path)
    {
        GreetingText = greeting;
        Path = path ?? _directory.File("qmp");
    }

    public string Path { get; }

    public string Uri => $"qmp://{Path}";

    public FakeGuest Guest { get; } = new();

    /// <summary>Null: none is sent.</summary>
    public string? GreetingText { get; set; }

    /// <summary>Bytes per write; 0: each message whole.</summary>
    public int PieceSize { get; set; }

    /// <summary>Spread over lines, as a <c>-qmp-pretty</c> monitor does.</summary>
    public bool IsPretty { get; set; }

    /// <summary>Connections taken so far.</summary>
    public int Clients { get; private set; }

    /// <summary>Whether somebody is connected; for a scripted answer: whether who asked still is.</summary>
    public bool HasClient => Client is not null;

    /// <summary>Portions in which commands arrived.</summary>
    public int Chunks { get; private set; }

    /// <summary>Every command so far, word for word.</summary>
    public IReadOnlyList<FakeCommand> Commands
    {
        get
        {
            lock (_gate)
                return [.. _commands];
        }
    }

    /// <param name="greeting">Null: none is sent.</param>
    /// <param name="path">Where its socket lies; null: in a directory of its own.</param>
    public static FakeQmp Start(string? greeting = Greeting, string? path = null)
    {
        FakeQmp fake = new(greeting, path);
        fake._listener.Bind(new UnixDomainSocketEndPoint(fake.Path));
        fake._listener.Listen(1);
        fake._serving = Task.Run(fake.ServeAsync);
        return fake;
    }

    public int CountOf(string key) => Commands.Count(command => command.Key == key);

    /// <summary>Scripts the answer to a command (see <see cref="FakeCommand.Key"/>): a reply without braces and id, or <see cref="Nothing"/>.</summary>
    public FakeQmp On(string key, string? reply) => On(key, _ => Task.FromResult(reply));

    public FakeQmp On(string key, Func<FakeCommand, string?> reply) => On(key, command => Task.FromResult(reply(command)));

    public FakeQmp On(string key, Func<FakeCommand, Task<string?>> reply)
    {
        _script[key] = reply;
        return this;
    }

    /// <summary>Back to what the guest answers.</summary>
    public void Forget(string key) => _script.TryRemove(key, out _);

    /// <summary>From the next such command on, nothing is answered until the result is completed.</summary>
    public TaskCompletionSource Hold(string key)
    {
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _script.TryGetValue(key, out Func<FakeCommand, Task<string?>>? previous);
        On(key, async command =>
        {
            await release.Task;
            return previous is null ? Guest.Answer(command) : await previous(command);
        });
        return release;
    }

    /// <summary>Waits until so many commands of a kind have come.</summary>
    public Task ReceivedAsync(string key, int count = 1) =>
        UntilAsync($"{count} × {key}", () => CountOf(key) >= count);

    public Task ConnectedAsync(int count = 1) => UntilAsync($"connection {count}", () => Clients >= count);

    public Task DisconnectedAsync() => UntilAsync("disconnection", () => !HasClient);

    /// <summary>Sends a whole message.</summary>
    public Task SendAsync(string message) => SendRawAsync((IsPretty ? Pretty(message) : message) + "\r\n");

    public Task SendRawAsync(string text) => SendRawAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes)
    {
        await _writing.WaitAsync(_stop.Token);
        try
        {
            int size = PieceSize > 0 ? PieceSize : int.MaxValue;
            while (!bytes.IsEmpty && Client is { } client)
            {
                int sent = await client.SendAsync(bytes[..Math.Min(size, bytes.Length)], _stop.Token);
                bytes = bytes[sent..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client went; tests see what it makes of that.
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Closes the connection with the present client; the next one is served.</summary>
    public void Disconnect() => Interlocked.Exchange(ref _client, null)?.Dispose();

    /// <summary>Nobody listens any more.</summary>
    public void StopListening()
    {
        _listener.Dispose();
        File.Delete(Path);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        Disconnect();
        await _serving.WaitAsync(Limit);
        _directory.Dispose();
        _stop.Dispose();
        _writing.Dispose();
    }

    // A scripted answer that takes its time must not reach the next client.
    private Socket? Client =>
        Volatile.Read(ref _client) is { } client && (_answered.Value is null || _answered.Value == client) ? client : null;

    private async Task ServeAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Socket client = await _listener.AcceptAsync(_stop.Token);
                Volatile.Write(ref _client, client);
                lock (_gate)
                    Clients++;
                Changed();
                await ServeAsync(client);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                if (!_listener.IsBound || e is OperationCanceledException)
                    return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        Channel<FakeCommand> queue = Channel.CreateUnbounded<FakeCommand>();
        using CancellationTokenSource gone = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task answering = AnswerAllAsync(client, queue.Reader, gone.Token);
        try
        {
            await ReceiveAllAsync(client, queue.Writer);
        }
        finally
        {
            await gone.CancelAsync();
            client.Dispose();
            _ = Interlocked.CompareExchange(ref _client, null, client);
            Changed();
            await answering;
        }
    }

    private async Task ReceiveAllAsync(Socket client, ChannelWriter<FakeCommand> queue)
    {
        byte[] buffer = new byte[64 * 1024];
        int filled = 0;
        while (await client.ReceiveAsync(buffer.AsMemory(filled), _stop.Token) is var count and > 0)
        {
            filled += count;
            lock (_gate)
                Chunks++;
            int taken = Take(buffer.AsSpan(0, filled), queue);
            buffer.AsSpan(taken, filled - taken).CopyTo(buffer);
            filled -= taken;
            Changed();
        }
    }

    private int Take(ReadOnlySpan<byte> bytes, ChannelWriter<FakeCommand> queue)
    {
        int taken = 0;
        JsonReaderOptions options = new() { AllowMultipleValues = true };
        while (true)
        {
            Utf8JsonReader reader = new(bytes[taken..], isFinalBlock: false, new JsonReaderState(options));
            if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? document))
                break;
            int length = (int)reader.BytesConsumed;
            FakeCommand command;
            lock (_gate)
            {
                command = new(Encoding.UTF8.GetString(bytes.Slice(taken, length)), document.RootElement, _commands.Count + 1, Clients);
                _commands.Add(command);
            }

            taken += length;
            queue.TryWrite(command);
        }

        return taken;
    }

    private async Task AnswerAllAsync(Socket client, ChannelReader<FakeCommand> commands, CancellationToken cancellationToken)
    {
        _answered.Value = client;
        try
        {
            if (GreetingText is { } greeting)
                await SendAsync(greeting);
            await foreach (FakeCommand command in commands.ReadAllAsync(cancellationToken))
            {
                string? reply = _script.TryGetValue(command.Key, out var scripted)
                    ? await scripted(command).WaitAsync(cancellationToken)
                    : Guest.Answer(command);
                if (reply is not null)
                    await SendAsync(command.Id is { } id ? $"{{{reply}, \"id\": {id}}}" : $"{{{reply}}}");
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Changed()
    {
        lock (_gate)
        {
            _changed.TrySetResult();
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private async Task UntilAsync(string what, Func<bool> reached)
    {
        using CancellationTokenSource deadline = new(Limit);
        while (true)
        {
            Task changed;
            lock (_gate)
                changed = _changed.Task;
            if (reached())
                return;
            try
            {
                await changed.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"No {what} within {Limit.TotalSeconds} s; came: {string.Join(", ", Commands.Select(c => c.Key))}");
            }
        }
    }
}
