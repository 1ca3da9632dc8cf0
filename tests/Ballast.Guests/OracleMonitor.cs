using System.Collections.Concurrent;
using System.Text.Json;

namespace Ballast.Guests;

/// <summary>QEMU answered a command with an error.</summary>
public sealed class OracleException(string errorClass, string description) : Exception($"{errorClass}: {description}")
{
    public string ErrorClass { get; } = errorClass;

    public string Description { get; } = description;
}

/// <summary>One report of the guest as QEMU tells it: keys and values as in <c>guest-stats</c>.</summary>
public sealed record OracleStats(long LastUpdate, IReadOnlyDictionary<string, ulong> Values)
{
    /// <summary>What QEMU shows for a statistic that the last report did not hold.</summary>
    public const ulong NotReported = ulong.MaxValue;

    public ulong this[string key] => Values[key];
}

/// <summary>
/// A second opinion for tests: a monitor client that shares no code with the library, so that both cannot be wrong alike.
/// </summary>
public sealed class OracleMonitor : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly StreamReader _reader;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _pending = new();
    private readonly Lock _eventsLock = new();
    private readonly List<JsonElement> _events = [];
    private TaskCompletionSource _eventArrived = NewSignal();
    private Task _receiving = Task.CompletedTask;
    private Exception? _ended;
    private int _lastId;

    private OracleMonitor(Stream stream)
    {
        _stream = stream;
        _reader = new StreamReader(stream);
    }

    /// <summary>The greeting's <c>version</c>, as QEMU sent it.</summary>
    public JsonElement Version { get; private set; }

    /// <summary>All events so far, oldest first.</summary>
    public IReadOnlyList<JsonElement> Events
    {
        get
        {
            lock (_eventsLock)
                return [.. _events];
        }
    }

    public static async Task<OracleMonitor> ConnectAsync(
        string path, TimeSpan? deadline = null, CancellationToken cancellationToken = default)
    {
        var monitor = await Deadline.WithinAsync(deadline ?? Deadline.Default, $"greeting on {path}", async token =>
        {
            var stream = await UnixSocket.ConnectAsync(path, token);
            var opened = new OracleMonitor(stream);
            try
            {
                // On a busy machine something else came first once: perhaps what an earlier client had not read.
                JsonElement greeting;
                while (!Parse(await opened._reader.ReadLineAsync(token) ?? throw new EndOfStreamException("No greeting.")).TryGetProperty("QMP", out greeting))
                {
                }

                opened.Version = greeting.GetProperty("version");
                return opened;
            }
            catch
            {
                opened._reader.Dispose();
                throw;
            }
        }, cancellationToken);
        monitor._receiving = monitor.ReceiveAsync();
        await monitor.ExecuteAsync("qmp_capabilities", null, deadline, cancellationToken);
        return monitor;
    }

    /// <summary>Executes a command and returns the reply's <c>return</c>.</summary>
    public async Task<JsonElement> ExecuteAsync(
        string command, object? arguments = null, TimeSpan? deadline = null, CancellationToken cancellationToken = default)
    {
        var id = Interlocked.Increment(ref _lastId);
        var reply = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[id] = reply;
        if (_ended is { } ended)
            throw new IOException("The monitor is gone.", ended);
        var message = JsonSerializer.SerializeToUtf8Bytes(new { execute = command, arguments = arguments ?? new object(), id });
        return await Deadline.WithinAsync(deadline ?? Deadline.Default, $"reply to {command}", async token =>
        {
            await _sending.WaitAsync(token);
            try
            {
                await _stream.WriteAsync(message, token);
            }
            finally
            {
                _sending.Release();
            }

            return await reply.Task.WaitAsync(token);
        }, cancellationToken);
    }

    /// <summary>Waits for an event, counting those that came before the call from <paramref name="after"/> on.</summary>
    public Task<JsonElement> WaitForEventAsync(
        string name, int after = 0, TimeSpan? deadline = null, CancellationToken cancellationToken = default) =>
        Deadline.WithinAsync(deadline ?? Deadline.Default, $"event {name}", async token =>
        {
            while (true)
            {
                Task arrived;
                lock (_eventsLock)
                {
                    foreach (var found in _events.Skip(after).Where(e => e.GetProperty("event").ValueEquals(name)))
                        return found;
                    arrived = _eventArrived.Task;
                }

                await arrived.WaitAsync(token);
            }
        }, cancellationToken);

    public async Task<OracleStats> GuestStatsAsync(string balloonPath, CancellationToken cancellationToken = default)
    {
        var stats = await ExecuteAsync(
            "qom-get", new { path = balloonPath, property = "guest-stats" }, cancellationToken: cancellationToken);
        return new OracleStats(
            stats.GetProperty("last-update").GetInt64(),
            stats.GetProperty("stats").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetUInt64()));
    }

    /// <summary>The balloon's current size in bytes.</summary>
    public async Task<long> BalloonActualAsync(CancellationToken cancellationToken = default) =>
        (await ExecuteAsync("query-balloon", cancellationToken: cancellationToken)).GetProperty("actual").GetInt64();

    public Task SetBalloonTargetAsync(long bytes, CancellationToken cancellationToken = default) =>
        ExecuteAsync("balloon", new { value = bytes }, cancellationToken: cancellationToken);

    public async Task<long> PollingIntervalAsync(string balloonPath, CancellationToken cancellationToken = default) =>
        (await ExecuteAsync(
            "qom-get",
            new { path = balloonPath, property = "guest-stats-polling-interval" },
            cancellationToken: cancellationToken)).GetInt64();

    public Task SetPollingIntervalAsync(string balloonPath, long seconds, CancellationToken cancellationToken = default) =>
        ExecuteAsync(
            "qom-set",
            new { path = balloonPath, property = "guest-stats-polling-interval", value = seconds },
            cancellationToken: cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _stream.Dispose();
        await _receiving;
        _reader.Dispose();
        _sending.Dispose();
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (await _reader.ReadLineAsync() is { } line)
                Dispatch(Parse(line));
            _ended = new EndOfStreamException("QEMU closed the monitor.");
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or JsonException)
        {
            _ended = error;
        }

        foreach (var (_, waiting) in _pending)
            waiting.TrySetException(new IOException("The monitor is gone.", _ended));
    }

    private void Dispatch(JsonElement message)
    {
        if (message.TryGetProperty("event", out _))
        {
            lock (_eventsLock)
            {
                _events.Add(message);
                _eventArrived.SetResult();
                _eventArrived = NewSignal();
            }
        }
        else if (message.TryGetProperty("id", out var id) && _pending.TryRemove(id.GetInt32(), out var reply))
        {
            if (message.TryGetProperty("return", out var result))
                reply.TrySetResult(result);
            else
                reply.TrySetException(new OracleException(
                    message.GetProperty("error").GetProperty("class").GetString()!,
                    message.GetProperty("error").GetProperty("desc").GetString()!));
        }
    }

    private static JsonElement Parse(string line) => JsonDocument.Parse(line).RootElement;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
