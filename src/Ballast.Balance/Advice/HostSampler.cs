using System.Collections.Concurrent;

namespace Ballast.Balance.Advice;

/// <summary>Takes samples of a host and its guests, with everything that advice needs.</summary>
public static class HostSampler
{
    // So many guests are made to report at once; and of more than so many, each one's last report has to do.
    private const int SideBySide = 16, MostRefreshed = 1000;

    // A report that is younger need not be asked for again.
    private static readonly TimeSpan Young = TimeSpan.FromSeconds(1);

    // A guest that was asked for a report has a younger one than this, or gave none: reports have whole seconds.
    private static readonly TimeSpan Asked = TimeSpan.FromSeconds(2);

    /// <summary>Takes one sample.</summary>
    /// <param name="connection">The host.</param>
    /// <param name="controlGroup">A control group whose limits are read too; null for none.</param>
    /// <param name="refresh">Whether to make guests report now, where that is possible.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">The domains cannot be listed, or the memory of the host is unknown.</exception>
    public static async Task<SeenHost> LookAsync(
        Connection connection, string? controlGroup, bool refresh, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        IReadOnlyList<DomainMemorySample> samples = await connection.GetAllMemoryStatsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        HashSet<Guid> silent = [];
        if (refresh && !connection.IsReadOnly && samples.Count <= MostRefreshed)
            samples = await RefreshAsync(connection, samples, silent, cancellationToken).ConfigureAwait(false);
        Domain[] domains = [.. samples.Select(sample => sample.Domain)];
        Dictionary<Guid, ulong> maxima = await BalloonMaxima.AskAsync(connection, domains, cancellationToken).ConfigureAwait(false);
        Dictionary<Guid, ProcessMemory> processes = (await connection.GetProcessMemoryAsync(domains, cancellationToken).ConfigureAwait(false))
            .DistinctBy(one => one.Domain.Uuid).ToDictionary(one => one.Domain.Uuid, one => one.Memory);

        // What a daemon of libvirt's does not tell there, it is asked for one by one.
        ConcurrentDictionary<Guid, Told> others = await OthersAsync(domains.Where(domain =>
            processes.GetValueOrDefault(domain.Uuid)?.Reason == MemoryStatsReason.UnsupportedByDaemon), cancellationToken).ConfigureAwait(false);

        // The host last: what guests hold and what the host has are then of nearly the same moment.
        HostMemory host = await HostAsync(connection, controlGroup, cancellationToken).ConfigureAwait(false);

        // Who went meanwhile is left out.
        return new SeenHost(host, [.. samples.Where(sample => processes.ContainsKey(sample.Domain.Uuid)).Select(See)]);

        SeenGuest See(DomainMemorySample sample)
        {
            Told told = others.GetValueOrDefault(sample.Domain.Uuid, Told.Nothing);
            return new SeenGuest
            {
                Domain = sample.Domain,
                Stats = sample.Stats,
                Process = processes[sample.Domain.Uuid],
                MaximumKiB = maxima.TryGetValue(sample.Domain.Uuid, out ulong kib) ? kib : null,
                HasJob = told.HasJob,
                HardLimitKiB = told.HardLimitKiB,
                IsHardLimitUnknown = told.IsHardLimitUnknown,
                HasNotAnswered = silent.Contains(sample.Domain.Uuid),
            };
        }
    }

    private static async Task<HostMemory> HostAsync(Connection connection, string? controlGroup, CancellationToken token)
    {
        try
        {
            return await connection.GetHostMemoryAsync(controlGroup, token).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            return new HostMemory { Reason = MemoryStatsReason.UnsupportedByDaemon };
        }
    }

    /// <summary>
    /// Whether a daemon of libvirt's migrates, saves or dumps each, which nobody else tells, and the limit that it set. All are asked,
    /// however many: a guest of unknown limit would not be told to grow.
    /// </summary>
    private static async Task<ConcurrentDictionary<Guid, Told>> OthersAsync(IEnumerable<Domain> domains, CancellationToken token)
    {
        ConcurrentDictionary<Guid, Told> others = [];
        ParallelOptions how = new() { MaxDegreeOfParallelism = SideBySide, CancellationToken = token };
        await Parallel.ForEachAsync(domains, how, async (domain, end) =>
        {
            bool? hasJob = await AskAsync(async () => (bool?)IsJob((await domain.GetJobInfoAsync(end).ConfigureAwait(false)).Type), none: false, unknown: null).ConfigureAwait(false);
            (ulong? limit, bool isUnknown) = await AskAsync(
                async () => ((await domain.GetMemoryLimitsAsync(cancellationToken: end).ConfigureAwait(false)).HardKiB, false), none: (null, false), unknown: (null, true)).ConfigureAwait(false);
            others[domain.Uuid] = new(hasJob, limit, isUnknown);
        }).ConfigureAwait(false);
        return others;

        static bool IsJob(DomainJobType type) => type is not (DomainJobType.None or DomainJobType.Completed or DomainJobType.Failed or DomainJobType.Cancelled);
    }

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask, T none, T unknown)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.Code is ErrorCode.NoDomain or ErrorCode.NoSupport or ErrorCode.OperationUnsupported or ErrorCode.OperationInvalid)
        {
            // It ended, its driver has no such thing, or its host no memory controller. Another failure is no answer.
            return none;
        }
        catch (LibvirtException)
        {
            return unknown;
        }
    }

    private readonly record struct Told(bool? HasJob, ulong? HardLimitKiB, bool IsHardLimitUnknown)
    {
        public static Told Nothing { get; } = new(false, null, false);
    }

    /// <param name="connection">Their host.</param>
    /// <param name="samples">What is known before.</param>
    /// <param name="silent">Takes those that have no younger report though they were asked: nobody knows whether their driver still runs.</param>
    /// <param name="token">Cancels the call.</param>
    private static async Task<IReadOnlyList<DomainMemorySample>> RefreshAsync(
        Connection connection, IReadOnlyList<DomainMemorySample> samples, HashSet<Guid> silent, CancellationToken token)
    {
        bool[] isSilent = new bool[samples.Count], isFailed = new bool[samples.Count];
        DomainMemorySample?[] fresh = new DomainMemorySample?[samples.Count];
        await Parallel.ForAsync(0, samples.Count, new ParallelOptions { MaxDegreeOfParallelism = SideBySide, CancellationToken = token }, async (i, end) =>
        {
            DomainMemorySample sample = samples[i];
            fresh[i] = sample;

            // Of the others no report is to be had, or it would be waited for in vain.
            if (sample.Stats.Reason != MemoryStatsReason.Fresh || sample.Stats.Age < Young)
                return;
            try
            {
                MemoryStats now = await sample.Domain.RefreshMemoryStatsAsync(cancellationToken: end).ConfigureAwait(false);
                fresh[i] = sample with { Stats = now };
                isSilent[i] = now.Reason == MemoryStatsReason.Fresh && now.LastUpdate is not null && now.LastUpdate == sample.Stats.LastUpdate && !(now.Age < Asked);
            }
            catch (LibvirtException e) when (e.Code == ErrorCode.NoDomain)
            {
                fresh[i] = null;
            }
            catch (LibvirtException e) when (e.Code is ErrorCode.NoSupport or ErrorCode.OperationUnsupported or ErrorCode.OperationDenied or ErrorCode.AccessDenied)
            {
                // Nobody can ask, or may: the last report has to do. It is fresh, too.
            }
            catch (LibvirtException)
            {
                isFailed[i] = true;
            }
        }).ConfigureAwait(false);
        silent.UnionWith(samples.Where((_, i) => isSilent[i]).Select(sample => sample.Domain.Uuid));

        // Its monitor does not answer or is held by others by now, or it was paused meanwhile: its sample tells. Who is gone has none.
        Domain[] failed = [.. samples.Where((_, i) => isFailed[i]).Select(sample => sample.Domain)];
        IReadOnlyList<DomainMemorySample> again =
            failed.Length == 0 ? [] : await connection.GetMemoryStatsAsync(failed, cancellationToken: token).ConfigureAwait(false);
        Dictionary<Guid, DomainMemorySample> told = again.DistinctBy(one => one.Domain.Uuid).ToDictionary(one => one.Domain.Uuid);
        return [.. fresh.Select((one, i) => isFailed[i] ? told.GetValueOrDefault(samples[i].Domain.Uuid) : one).OfType<DomainMemorySample>()];
    }
}
