using Ballast.Cli.Output;
using Microsoft.Extensions.Logging;

namespace Ballast.Cli.Log;

/// <summary>
/// Shows the user the warning that must come before the event, and what is missing in a list. The library's other lines go to another
/// log, if there is one.
/// </summary>
internal sealed class StartWarning(CommandOutput output, ILoggerFactory? rest) : ILoggerFactory, ILogger
{
    // Their events' numbers, by docs/metrics.md.
    private const int StartsGuest = 108, LookFailed = 112, SocketLeftOut = 113, ProcessesNotShown = 114;

    private string _shown = "";
    private readonly ILogger? _rest = rest?.CreateLogger("Ballast");

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Warning || _rest?.IsEnabled(logLevel) == true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Id is StartsGuest or LookFailed or SocketLeftOut or ProcessesNotShown)
            Show($"warning: {SafeText.Escape(formatter(state, exception))}\n");
        _rest?.Log(logLevel, eventId, state, exception, formatter);
    }

    // Each look that fails for the same reason gives the same text.
    private void Show(string text)
    {
        if (Interlocked.Exchange(ref _shown, text) != text)
            output.Note(text);
    }

    public void Dispose()
    {
        // The rest is its maker's.
    }
}
