using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Ballast.Tests.Telemetry;

/// <summary>Keeps what a connection tells its logger.</summary>
internal sealed class HeardLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(int Event, LogLevel Level, string Text)> _lines = [];

    /// <summary>What is done with each line beside keeping it.</summary>
    public Action? OnLine { get; init; }

    /// <summary>What is done when it is asked whether it wants lines.</summary>
    public Action? OnAsked { get; init; }

    public string? Category { get; private set; }

    public IReadOnlyCollection<(int Event, LogLevel Level, string Text)> Lines => _lines;

    public ILogger CreateLogger(string categoryName)
    {
        Category = categoryName;
        return this;
    }

    /// <summary>Waits for a line: they are written by another thread.</summary>
    public async Task<string> HearAsync(int number)
    {
        await Drivers.Qemu.Waiting.UntilAsync($"line {number}", () => _lines.Any(line => line.Event == number));
        return _lines.First(line => line.Event == number).Text;
    }

    public int Count(int number) => _lines.Count(line => line.Event == number);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _lines.Enqueue((eventId.Id, logLevel, formatter(state, exception)));
        OnLine?.Invoke();
    }

    public bool IsEnabled(LogLevel logLevel)
    {
        OnAsked?.Invoke();
        return true;
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
        // Nothing is held.
    }
}
