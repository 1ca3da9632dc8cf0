using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Ballast.Server;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon;

/// <summary>
/// The log, on standard error: one line for each thing, as systemd's journal reads it, or with the time where it is read by
/// nobody who has it. Nobody waits for a reader that is slow: lines that do not fit are counted, as are those that a full disk does not
/// take, and their number is told with the next line that does.
/// </summary>
internal sealed class StandardErrorLog : ILoggerProvider
{
    private const int MaxWaiting = 1024;

    private static readonly TimeSpan LastLines = TimeSpan.FromSeconds(1);

    private readonly Channel<string> _lines =
        Channel.CreateBounded<string>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly bool _isJournal = IsJournal(Environment.GetEnvironmentVariable("JOURNAL_STREAM"));
    private readonly Task _writing;
    private long _left;
    private volatile LogLevel _level = LogLevel.Information;

    /// <summary>What is less important is left out.</summary>
    public LogLevel Level
    {
        get => _level;
        set => _level = value;
    }

    public StandardErrorLog() => _writing = Task.Run(WriteAsync);

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    /// <summary>
    /// For the library, whose lines are for whoever looks for a fault: the daemon tells of guests itself. Only what it does not tell is
    /// always written: that a guest is started by a connection, and that guests may be missing in lists.
    /// </summary>
    public ILoggerFactory ForLibrary() => new LibraryLog(this);

    public void Dispose()
    {
        _ = _lines.Writer.TryComplete();
        _ = _writing.Wait(LastLines);
    }

    /// <summary>Whether standard error leads to the journal, as systemd says with its device and inode.</summary>
    public static bool IsJournal(string? stream)
    {
        try
        {
            return stream?.Split(':') is [var device, var inode]
                && HostFiles.Look("/proc/self/fd/2", followsLinks: true) is { } error
                && device == Device(error.Id.Major, error.Id.Minor).ToString(CultureInfo.InvariantCulture)
                && inode == error.Id.Inode.ToString(CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return false;
        }
    }

    // The number of a device as stat shows it.
    private static ulong Device(uint major, uint minor)
    {
        const uint lowMinor = 0xFF, lowMajor = 0xFFF;
        const int majorAt = 8, highMinorShift = 12;
        return (minor & lowMinor) | ((ulong)(major & lowMajor) << majorAt) | ((ulong)(minor & ~lowMinor) << highMinorShift);
    }

    private void Write(LogLevel level, string message)
    {
        // systemd's numbers are syslog's.
        string line = LogLine.Of(message);
        line = _isJournal
            ? $"<{level switch { LogLevel.Critical => 2, LogLevel.Error => 3, LogLevel.Warning => 4, LogLevel.Information => 6, _ => 7 }}>{line}"
            : string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} {Label(level)}{line}");
        if (!_lines.Writer.TryWrite(line))
            _ = Interlocked.Increment(ref _left);
    }

    private static string Label(LogLevel level) => level switch
    {
        LogLevel.Warning => "warning: ",
        LogLevel.Error or LogLevel.Critical => "error: ",
        _ => "",
    };

    private async Task WriteAsync()
    {
        await using Stream error = Console.OpenStandardError();
        bool hasFailed = false;
        await foreach (string line in _lines.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            long left = Interlocked.Exchange(ref _left, 0);
            try
            {
                // Of the line that failed there may be a part.
                if (left > 0)
                    await error.WriteAsync(Encoding.UTF8.GetBytes($"{(hasFailed ? "\n" : "")}{left} lines before this one did not fit into the log\n")).ConfigureAwait(false);
                left = 0;
                await error.WriteAsync(Encoding.UTF8.GetBytes($"{line}\n")).ConfigureAwait(false);
                hasFailed = false;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                // The disk is full, or nobody reads the log any more, or it was closed; the daemon continues without it.
                _ = Interlocked.Add(ref _left, left + 1);
                hasFailed = true;
            }
        }
    }

    private sealed class LibraryLog(StandardErrorLog log) : ILoggerFactory, ILogger
    {
        private const int StartsGuest = 108, LookFailed = 112, SocketLeftOut = 113, ProcessesNotShown = 114;

        private readonly Logger _lines = new(log);

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
            // The log is the daemon's.
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => (logLevel >= LogLevel.Warning || log.Level <= LogLevel.Debug) && _lines.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error || eventId.Id is StartsGuest or LookFailed or SocketLeftOut or ProcessesNotShown || log.Level <= LogLevel.Debug)
                _lines.Log(logLevel, eventId, state, exception, formatter);
        }
    }

    private sealed class Logger(StandardErrorLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && logLevel >= log.Level;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                log.Write(logLevel, exception is null ? formatter(state, null) : $"{formatter(state, exception)}: {exception.Message}");
        }
    }
}
