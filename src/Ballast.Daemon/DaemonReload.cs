using Microsoft.Extensions.Logging;

namespace Ballast.Daemon;

/// <summary>Reads the configuration again while the daemon runs. What is wrong leaves all as it was; clients stay connected.</summary>
/// <param name="arguments">The daemon's, which outrank the file again.</param>
/// <param name="options">What it runs with.</param>
/// <param name="apply">Makes the newer ones hold, or throws before any of them does; the files of certificates that are others than before, null: none are read.</param>
/// <param name="log">Told what became of it.</param>
internal sealed partial class DaemonReload(
    IReadOnlyList<string> arguments, DaemonOptions options, Func<DaemonOptions, IReadOnlyList<string>?> apply, ILogger log)
{
    private readonly DaemonOptions _started = options;
    private DaemonOptions _running = options;

    public void Run()
    {
        try
        {
            DaemonOptions newer = DaemonOptions.Read(arguments);
            (string Name, string Value, bool IsLive)[] changed = [.. newer.Settings.Except(_running.Settings)];
            IReadOnlyList<string>? certificates = apply(newer);

            // Said at each reload, until there was one.
            string[] late = [.. newer.Settings.Except(_started.Settings).Where(setting => !setting.IsLive).Select(setting => setting.Name)];
            _running = newer;
            string[] live = [.. changed.Where(setting => setting.IsLive).Select(setting => setting.Name), .. certificates ?? []];
            Reloaded(log, certificates is null ? "" : " and the certificates", live.Length > 0 ? $"changed: {string.Join(", ", live)}" : "nothing changed");
            if (late.Length > 0)
                NeedsRestart(log, string.Join(", ", late));
        }
        catch (Exception e)
        {
            // Also what nobody expected: it came on the signal's thread, and would end the daemon.
            bool isExpected = e is UsageException or IOException or UnauthorizedAccessException or LibvirtException;
            Failed(log, isExpected ? e.Message : $"{e.GetType().Name}: {e.Message}");
        }
    }

    [LoggerMessage(30, LogLevel.Information, "Read the configuration{Certificates} again; {Changed}")]
    private static partial void Reloaded(ILogger log, string certificates, string changed);

    [LoggerMessage(31, LogLevel.Warning, "Needs a restart to hold: {Settings}")]
    private static partial void NeedsRestart(ILogger log, string settings);

    [LoggerMessage(32, LogLevel.Error, "The configuration was not changed: {Reason}")]
    private static partial void Failed(ILogger log, string reason);
}
