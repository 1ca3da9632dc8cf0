using Ballast.Daemon.Authentication;
using Ballast.Server;

namespace Ballast.Daemon;

/// <summary>Says what a start would fail on, without changing anything.</summary>
internal static class ConfigurationCheck
{
    private const int Success = 0, Failure = 1, Misuse = 2;

    /// <summary>A line for each fault and each thing that is missing; the status that the daemon would end with.</summary>
    public static async Task<int> RunAsync(DaemonOptions options)
    {
        List<Exception> faults = [];
        Try(() => _ = UnixAccess.RequireGroup(options.Group), faults);
        Try(() => _ = OpenFiles.TakeAll(), faults);
        ListenPaths? paths = null;
        Try(() => paths = ListenPaths.Choose(options), faults);
        Try(() => faults.AddRange(paths?.Faults() ?? []), faults);
        if (options.NeedsUsers && new UserFile(options.SaslUsers).Fault() is { } noUsers)
            faults.Add(noUsers);
        Try(() => NetworkSockets.Check(options), faults);
        Try(() => _ = NetworkOptions.ReadTls(options), faults);
        try
        {
            await using TestHosts tests = await TestHosts.OpenAsync(options.Test, ConnectionOptions.Default).ConfigureAwait(false);
        }
        catch (LibvirtException e)
        {
            faults.Add(e);
        }

        foreach (Exception fault in faults)
            await Console.Error.WriteLineAsync($"ballastd: {LogLine.Of(fault.Message)}").ConfigureAwait(false);
        foreach (string missing in QmpPaths.Missing(options.Qmp))
            await Console.Error.WriteLineAsync($"ballastd: warning: {LogLine.Of(missing)}").ConfigureAwait(false);
        if (faults.Count > 0)
            return faults.Exists(fault => fault is UsageException) ? Misuse : Failure;
        await Console.Out.WriteLineAsync($"The configuration is right. Sockets: {paths!.ReadWrite}, {paths.ReadOnly}{(options.Tcp is { } tcp ? $", TCP {tcp}" : "")}{(options.Tls is { } tls ? $", TLS {tls}" : "")}").ConfigureAwait(false);
        return Success;
    }

    private static void Try(Action look, List<Exception> faults)
    {
        try
        {
            look();
        }
        catch (Exception e) when (e is UsageException or IOException or InvalidDataException or UnauthorizedAccessException)
        {
            faults.Add(e);
        }
    }
}
