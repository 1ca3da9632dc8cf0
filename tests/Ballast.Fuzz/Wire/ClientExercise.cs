using System.IO.Pipelines;
using Ballast.Drivers.Remote;

namespace Ballast.Fuzz.Wire;

/// <summary>Everything that our client asks of a daemon, one call after the other: each ends, with what came or with an error of ours.</summary>
internal static class ClientExercise
{
    /// <param name="pipe">The way to the daemon.</param>
    /// <param name="note">Told what came of each call.</param>
    /// <param name="close">Closes the way.</param>
    public static async Task RunAsync(IDuplexPipe pipe, Action<int> note, Func<ValueTask> close)
    {
        ConnectionOptions options = new() { TimeProvider = new FrozenTime(), AskCredential = (request, _) => new($"{request.Kind}") };
        SaslLogin login = new("localhost", null, "/dev/null", isPrivate: true, options);
        RemoteDriver? driver = null;
        if (!await TryAsync(0, async () => driver = await RemoteDriver.OpenAsync(
            options, (onEvent, token) => RemoteLink.OpenAsync(new Transport(pipe, close), "qemu:///system", options, onEvent, token, login: login), CancellationToken.None)))
        {
            // Nobody else ends the server.
            await pipe.Output.CompleteAsync();
            await close();
            return;
        }

        await using Connection connection = new(driver!, "qemu:///system", options);
        IReadOnlyList<Domain> domains = [];
        _ = await TryAsync(1, async () => domains = await connection.ListDomainsAsync());
        Domain domain = domains.Count > 0 ? domains[0] : new Domain(connection, new DomainIdentity("none", Guid.Empty, null));
        DomainEventSubscription? events = null;
        (int Number, Func<Task> Call)[] calls =
        [
            (2, async () => events = await connection.SubscribeAsync()),
            (3, async () => await connection.GetVersionAsync()),
            (4, async () => await connection.GetHostNameAsync()),
            (5, async () => await connection.GetNodeInfoAsync()),
            (6, async () => await connection.GetNodeMemoryStatsAsync(Connection.AllOfNode)),
            (7, async () => await connection.GetNodeCpuStatsAsync(Connection.AllOfNode)),
            (8, async () => AtMost(4, (await connection.GetCellsFreeMemoryAsync(0, 4)).Count)),
            (9, async () => await connection.GetCpuMapAsync()),
            (10, async () => await connection.GetFreeMemoryAsync()),
            (11, async () => await connection.GetMaxVcpusAsync(null)),
            (12, async () => await connection.LookupByNameAsync("linux")),
            (13, async () => await domain.GetStateAsync()),
            (14, async () => await domain.GetInfoAsync()),
            (15, async () => AtMost(6, await domain.FillMemoryStatsAsync(new MemoryStat[6]))),
            (16, async () => await domain.GetMemoryStatsAsync(MemoryStatsOptions.Extended)),
            (17, async () => await domain.GetMemoryStatsPeriodAsync()),
            (18, async () => await domain.RefreshMemoryStatsAsync()),
            (19, async () => await domain.GetXmlAsync()),
            (20, async () => await domain.GetMessagesAsync()),
            (21, async () => await domain.SetMemoryStatsPeriodAsync(TimeSpan.FromSeconds(1))),
            (22, async () => await domain.SetMemoryAsync(65536)),
            (23, async () => await connection.GetAllDomainStatsAsync()),
            (24, async () => await connection.GetSecurityModelAsync()),
            (25, async () => await domain.GetSecurityLabelAsync()),
            (26, async () => await connection.GetCapabilitiesAsync()),
        ];
        foreach ((int number, Func<Task> call) in calls)
            _ = await TryAsync(number, call);
        if (events is not null)
            await events.DisposeAsync();

        async Task<bool> TryAsync(int number, Func<Task> call)
        {
            try
            {
                await call();
                note(HashCode.Combine(number));
                return true;
            }
            catch (LibvirtException e)
            {
                FuzzException.Require(e.Message is not null, "an error says nothing");
                note(HashCode.Combine(number, e.Code));
                return false;
            }
        }
    }

    private static void AtMost(int asked, int count) => FuzzException.Require(count <= asked, $"{count} of {asked} that were asked for");

    private sealed class Transport(IDuplexPipe pipe, Func<ValueTask> close) : IDuplexPipe, IAsyncDisposable
    {
        public PipeReader Input => pipe.Input;

        public PipeWriter Output => pipe.Output;

        public ValueTask DisposeAsync() => close();
    }
}
