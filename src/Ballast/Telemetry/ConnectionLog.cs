using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Ballast.Telemetry;

/// <summary>
/// What one connection tells its logger, in order. Whoever has something to tell may hold a lock or serve all sockets, and a
/// logger may do anything: so the lines are written by a worker of the pool, one at a time.
/// </summary>
internal sealed partial class ConnectionLog
{
    private readonly ILogger? _logger;
    private readonly ConcurrentQueue<Action<ILogger>> _lines = [];
    private int _isWriting;

    private ConnectionLog(ILogger? logger) => _logger = logger;

    /// <summary>Where nobody listens.</summary>
    public static ConnectionLog None { get; } = new(null);

    public static ConnectionLog Of(ConnectionOptions options) =>
        options.LoggerFactory is { } factory ? new ConnectionLog(factory.CreateLogger("Ballast")) : None;

    /// <summary>Whether anybody wants such lines. Asks the logger: not for whoever holds a lock.</summary>
    public bool IsEnabled(LogLevel level)
    {
        try
        {
            return _logger?.IsEnabled(level) == true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private void Write(Action<ILogger> line)
    {
        if (_logger is null)
            return;
        _lines.Enqueue(line);
        if (Interlocked.Exchange(ref _isWriting, 1) == 0)
            _ = ThreadPool.UnsafeQueueUserWorkItem(static log => log.WriteLines(), this, preferLocal: false);
    }

    private void WriteLines()
    {
        do
        {
            while (_lines.TryDequeue(out Action<ILogger>? line))
            {
                try
                {
                    line(_logger!);
                }
                catch (Exception)
                {
                    // A logger that fails takes nothing else along.
                }
            }

            Volatile.Write(ref _isWriting, 0);
        }
        while (!_lines.IsEmpty && Interlocked.Exchange(ref _isWriting, 1) == 0);
    }
}
