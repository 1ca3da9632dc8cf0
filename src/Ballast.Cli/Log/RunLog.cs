using System.Diagnostics;
using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Microsoft.Extensions.Logging;

namespace Ballast.Cli.Log;

/// <summary>
/// What <c>--log</c> and <c>--debug</c> show: commands, errors, each call to a daemon, question to a monitor and command to one with its
/// duration, and what the library's log tells. Made only where somebody wants it.
/// </summary>
internal sealed class RunLog : ILoggerFactory, ILogger, IDisposable
{
    private readonly GlobalOptions _options;
    private readonly CliHost _host;
    private readonly CommandOutput _output;
    private readonly string _program;
    private readonly ActivityListener _listener;

    private RunLog(GlobalOptions options, CliHost host, CommandOutput output)
    {
        _options = options;
        _host = host;
        _output = output;
        _program = host.IsVirsh ? "virsh" : "ballast";
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Ballast",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => Write(LogLevels.Debug, Describe(activity)),
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Null where nobody wants one.</summary>
    public static RunLog? Start(GlobalOptions options, CliHost host, CommandOutput output)
    {
        if (options.Log is null && options.DebugLevel == LogLevels.Error)
            return null;
        RunLog log = new(options, host, output);
        bool isWritten = true;
        output.OnError = error =>
        {
            // Once, before the first error that is missing there.
            if (isWritten && options.Log?.Write(host.TimeProvider.GetLocalNow(), log._program, LogLevels.Error, error) == false)
            {
                isWritten = false;
                output.ErrorText("error: failed to write the log file\n");
            }
        };
        return log;
    }

    /// <summary>Errors are written where they are shown.</summary>
    public void Write(int level, string text)
    {
        _ = _options.Log?.Write(_host.TimeProvider.GetLocalNow(), _program, level, text);
        if (level >= _options.DebugLevel)
            _output.Note($"{LogLevels.Name(level)} {SafeText.Escape(text)}\n");
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Write(
        logLevel switch
        {
            <= LogLevel.Debug => LogLevels.Debug,
            LogLevel.Information => LogLevels.Info,
            LogLevel.Warning => LogLevels.Warning,
            _ => LogLevels.Error,
        },
        formatter(state, exception));

    public void Dispose()
    {
        _listener.Dispose();
        _options.Log?.Dispose();
    }

    private static string Describe(Activity activity)
    {
        string what = activity.GetTagItem("rpc.method") is { } procedure ? $"call {procedure}"
            : activity.GetTagItem("ballast.monitor.text") is { } text ? $"to monitor {activity.GetTagItem("ballast.monitor")}: {text}"
            : activity.GetTagItem("ballast.monitor") is { } monitor ? $"query of monitor {monitor}"
            : activity.OperationName;
        string outcome = activity.Status == ActivityStatusCode.Error ? $"failed: {activity.StatusDescription}" : "answered";
        return string.Create(CultureInfo.InvariantCulture, $"{what}: {outcome} ({activity.Duration.TotalMilliseconds:F3} ms)");
    }
}
