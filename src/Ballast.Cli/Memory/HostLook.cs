using Ballast.Balance.Advice;
using Ballast.Cli.Commands;
using Ballast.Cli.Json;

namespace Ballast.Cli.Memory;

/// <summary>One look at guests: their samples, their maxima, and what changed since the last look.</summary>
internal static class HostLook
{
    /// <param name="invocation">The command.</param>
    /// <param name="names">Which guests; none: all that are active.</param>
    /// <param name="remarks">Whether to say where nothing was found.</param>
    /// <returns>The guests, the one under most pressure first.</returns>
    public static async Task<List<MemoryLine>> RunAsync(CommandInvocation invocation, IEnumerable<string> names, bool remarks = true)
    {
        Connection connection = invocation.Connection;
        CancellationToken token = invocation.CancellationToken;
        string[] wanted = [.. names];
        bool isWhole = wanted.Length == 0;
        List<Domain> domains = await HostGroup.FindAsync(invocation, wanted);
        if (isWhole)
            domains.AddRange(await connection.ListDomainsAsync(cancellationToken: token));
        ListCommand.WarnOfHidden(invocation);
        if (domains.Count == 0 && remarks && isWhole)
            DomainArgument.RemarkNothing(invocation);
        if (domains.Count == 0 && !isWhole)
            return [];

        // Side by side: who is asked for both is asked once.
        Task<Dictionary<Guid, ulong>> asking = BalloonMaxima.AskAsync(connection, domains, token);
        IReadOnlyDictionary<Guid, DomainMemorySample> samples = await MemoryStatsJson.AskAsync(connection, domains, MemoryStatsOptions.None, token);
        Dictionary<Guid, ulong> maxima = await asking;
        LastLook last = LastLook.Read(invocation.LookDirectory, connection.Uri);
        List<MemoryLine> lines = [.. samples.Values.Select(sample => new MemoryLine(
            sample.Domain, sample.Stats, maxima.TryGetValue(sample.Domain.Uuid, out ulong kib) ? kib : null, last.Since(sample.Domain, sample.Stats))
        {
            HasMovedSinceLastLook = last.HasMoved(sample.Domain, sample.Stats),
        })];
        last.Write(invocation.LookDirectory, connection.Uri, lines.Select(line => (line.Domain, line.Stats)), isWhole);
        lines.Sort((one, other) => MemoryLine.ByPressure(one, other) is not 0 and var order ? order : MemoryLine.ByName(one, other));
        return lines;
    }
}
