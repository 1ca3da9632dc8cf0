using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Ballast.Telemetry;

/// <summary>
/// What one connection tells its logger, in order. Whoever has something to tell may hold a lock or serve all sockets, and a
/// logger may do anything: so the lines are written by a worker of the pool, one at a time.
/// </summary>
internal sealed partial class ConnectionLog
{
    // What a logger that hangs can make us keep.
    private const int MaxWaiting = 4096;

    private readonly ILogger? _logger;
    private readonly ConcurrentQueue<Action<ILogger>> _lines = [];
    private int _isWriting, _waiting, _left;

    private ConnectionLog(ILogger? logger) => _logger = logger;

    /// <summary>Where nobody listens.</summary>
    public static ConnectionLog None { get; } = new(null);

    public static ConnectionLog Of(ConnectionOptions options) =>
        options.LoggerFactory is { } factory ? new ConnectionLog(factory.CreateLogger("Ballast")) : None;

    /// <summary>Whether anybody wants such lines. The logger is asked, which may take any time.</summary>
    public Task<bool> WantsAsync(LogLevel level)
    {
        TaskCompletionSource<bool> asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!TryQueue(log =>
        {
            bool isWanted = false;
            try
            {
                isWanted = log.IsEnabled(level);
            }
            finally
            {
                asked.SetResult(isWanted);
            }
        }))
        {
            asked.SetResult(false);
        }

        return asked.Task;
    }

    private void Write(Action<ILogger> line) => _ = TryWrite(line);

    private bool TryWrite(Action<ILogger> line)
    {
        if (TryQueue(line))
            return true;
        if (_logger is not null)
            _ = Interlocked.Increment(ref _left);
        return false;
    }

    private bool TryQueue(Action<ILogger> line)
    {
        if (_logger is null)
            return false;
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            _ = Interlocked.Decrement(ref _waiting);
            return false;
        }

        // Where the gap is.
        if (Interlocked.Exchange(ref _left, 0) is > 0 and var left)
        {
            _ = Interlocked.Increment(ref _waiting);
            _lines.Enqueue(log => Lines.LinesLeft(log, left));
        }

        _lines.Enqueue(line);
        if (Interlocked.Exchange(ref _isWriting, 1) == 0)
            Unattended.Queue(static log => log.WriteLines(), this);
        return true;
    }

    private void WriteLines()
    {
        do
        {
            while (_lines.TryDequeue(out Action<ILogger>? line))
            {
                _ = Interlocked.Decrement(ref _waiting);
                Write(_logger!, line);
            }

            // No line came after the gap.
            if (Interlocked.Exchange(ref _left, 0) is > 0 and var left)
                Write(_logger!, log => Lines.LinesLeft(log, left));
            Volatile.Write(ref _isWriting, 0);
        }
        while (!_lines.IsEmpty && Interlocked.Exchange(ref _isWriting, 1) == 0);
    }

    private static void Write(ILogger logger, Action<ILogger> line)
    {
        try
        {
            line(logger);
        }
        catch (Exception)
        {
            // A logger that fails takes nothing else along.
        }
    }
}
