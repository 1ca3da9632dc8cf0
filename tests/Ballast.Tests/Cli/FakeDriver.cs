using Ballast.Drivers;

namespace Ballast.Tests.Cli;

/// <summary>A domain that tests make up.</summary>
internal sealed record FakeDomain(string Name, int? Id)
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    public DomainIdentity Identity { get; init; } = new(Name, new Guid(Id ?? 0xbeef, 0, 0, 1, 2, 3, 4, 5, 6, 7, (byte)Name.Length), Id);

    public DomainStateInfo State { get; init; } = new(Id is null ? DomainState.Shutoff : DomainState.Running, 1);

    public bool HasManagedSave { get; init; }

    /// <summary>Its XML, whatever is asked for.</summary>
    public string Xml { get; init; } = "<domain/>";

    public string? Title { get; init; }

    public DomainControlInfo Control { get; init; }

    public IReadOnlyList<VirtualCpu> VirtualCpus { get; init; } = [];

    public IReadOnlyList<CpuSet> Affinities { get; init; } = [];

    public DomainMemoryLimits Limits { get; init; }

    /// <summary>What the question for those, and that for its job, end with; null: an answer.</summary>
    public LibvirtException? LimitsFailure { get; init; }

    /// <inheritdoc cref="LimitsFailure"/>
    public LibvirtException? JobFailure { get; init; }

    public IReadOnlyList<TypedParameter> Statistics { get; init; } = [];

    public MemoryStatsFacts Facts { get; init; } = new() { Entries = [], PeriodSeconds = 2, IsRunning = true };

    /// <summary>What its samples say, one after the other; then <see cref="Facts"/>.</summary>
    public Queue<Func<MemoryStatsFacts>> Coming { get; } = [];

    /// <summary>For how long its process has run; null: nobody tells.</summary>
    public TimeSpan? RunTime { get; init; }

    /// <summary>What every question about its memory or state ends with.</summary>
    public LibvirtException? Failure { get; init; }

    public MemoryStats Sample => (Coming.TryDequeue(out Func<MemoryStatsFacts>? next) ? next() : Facts).ToSample(Now);
}

/// <summary>A driver whose domains and answers are given.</summary>
internal sealed class FakeDriver(params FakeDomain[] all) : IDriver
{
    private FakeDomain[] _domains = all;

    /// <summary>What every question about its domains ends with; null: an answer.</summary>
    public LibvirtException? Failure { get; set; }

    /// <summary>Whether it answers what state its domains are in.</summary>
    public bool MayTellStates { get; init; } = true;

    /// <summary>Who asked for events.</summary>
    public TaskCompletionSource<IDriverEventSink> Subscribed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken)
    {
        _ = Subscribed.TrySetResult(sink);
        return new(new MemoryStream());
    }

    /// <summary>A domain is gone.</summary>
    public void Forget(string name) => _domains = [.. _domains.Where(domain => domain.Name != name)];

    public string Type => "FAKE";

    /// <summary>The name of its host; null: it does not tell.</summary>
    public string? HostName { get; init; }

    public ValueTask<string> GetHostNameAsync(CancellationToken cancellationToken) =>
        HostName is { } name ? new(name) : throw LibvirtError.Report(ErrorCode.NoSupport, ErrorOrigin.Test, "no host name");

    /// <summary>The version of the ballastd that it stands for; null: of another daemon.</summary>
    public string? DaemonVersion { get; init; } = Ballast.Cli.CliProgram.Version;

    public ValueTask<string?> GetDaemonVersionAsync(CancellationToken cancellationToken) => new(DaemonVersion);

    /// <summary>What it answers about its host's memory, one answer after the other, and the last one again and again; none: it cannot tell.</summary>
    public Queue<HostMemory> Hosts { get; } = [];

    public ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup, CancellationToken cancellationToken) =>
        Hosts.Count > 0 ? new(Hosts.Count > 1 ? Hosts.Dequeue() : Hosts.Peek()) : throw LibvirtError.NoSupport("ballastGetHostMemory");

    public bool IsAlive { get; set; } = true;

    /// <summary>Completes when the connection is lost; null: it tells nobody.</summary>
    public Task<LibvirtException>? Lost { get; init; }

    /// <summary>The calls that change something, in their order.</summary>
    public List<string> Changes { get; } = [];

    public MemoryStatsOptions LastOptions { get; private set; }

    public ValueTask DisposeAsync() => default;

    public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken) =>
        Failure is null ? new([.. _domains.Where(domain => Matches(filter, domain)).Select(domain => domain.Identity)]) : throw Failure;

    public ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) => Look(domain => domain.Id == id);

    public ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) => Look(domain => domain.Name == name);

    public ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) => Look(domain => domain.Identity.Uuid == uuid);

    public ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        MayTellStates ? new(Find(domain).State) : throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test, "no state");

    public ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        new(new DomainInfo(Find(domain).State.State, 4096, 2048, 1, TimeSpan.FromSeconds(0.25)));

    /// <summary>What the question for a saved image ends with; null: an answer.</summary>
    public LibvirtException? ManagedSaveFailure { get; init; }

    public ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        ManagedSaveFailure is null ? new(Find(domain).HasManagedSave) : throw ManagedSaveFailure;

    /// <summary>The times of the host's CPUs, one answer after the other.</summary>
    public Queue<NodeStat[]> CpuTimes { get; } = [];

    public ValueTask<IReadOnlyList<NodeStat>> GetNodeCpuStatsAsync(int cpu, CancellationToken cancellationToken) => new(CpuTimes.Dequeue());

    public ValueTask<CpuSet> GetCpuMapAsync(CancellationToken cancellationToken) => new(new CpuSet(4, [0, 1, 3]));

    public ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken) => new(Find(domain).Xml);

    public ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        new(Find(domain).Title ?? throw LibvirtError.Report(ErrorCode.NoDomainMetadata, ErrorOrigin.Test, "none"));

    public ValueTask<DomainControlInfo> GetControlInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) => new(Find(domain).Control);

    public ValueTask WakeUpAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        Changes.Add($"wake {Find(domain).Name}");
        return default;
    }

    public ValueTask<IReadOnlyList<VirtualCpu>> GetVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) => new(Find(domain).VirtualCpus);

    public ValueTask<IReadOnlyList<CpuSet>> GetVirtualCpuAffinitiesAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) => new(Find(domain).Affinities);

    public ValueTask<DomainMemoryLimits> GetMemoryLimitsAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        Find(domain) is { LimitsFailure: { } failure } ? throw failure : new(Find(domain).Limits);

    public ValueTask<DomainJobInfo> GetJobInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw Find(domain).JobFailure ?? LibvirtError.Report(ErrorCode.NoSupport, ErrorOrigin.Test, "no jobs");

    public ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        LastOptions = options;
        MemoryStat[] entries = Find(domain).Facts.Entries;
        int count = Math.Min(entries.Length, stats.Length);
        entries.AsSpan(0, count).CopyTo(stats.Span);
        return new(count);
    }

    public ValueTask<MemoryStats> SampleMemoryAsync(DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        LastOptions = options;
        return new(Find(domain).Sample);
    }

    public ValueTask<IReadOnlyList<DriverProcessMemory>> GetProcessMemoryAsync(IReadOnlyList<DomainIdentity> domains, CancellationToken cancellationToken) => new(
        [.. domains.Select(domain => new DriverProcessMemory(domain, Find(domain).RunTime is { } run
            ? new ProcessMemory { RunTime = run } : new ProcessMemory { Reason = MemoryStatsReason.UnsupportedByDaemon }))]);

    /// <summary>Why a guest cannot be made to report.</summary>
    public ErrorCode RefreshFailure { get; init; } = ErrorCode.NoSupport;

    /// <summary>What a guest reports when it is asked to; null: it cannot be asked.</summary>
    public Func<MemoryStats>? Refreshed { get; init; }

    public ValueTask<MemoryStats> RefreshMemoryAsync(DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        Refreshed is not null ? new(Refreshed()) : throw LibvirtError.Report(RefreshFailure, ErrorOrigin.Test, "no refresh");

    /// <summary>What collection fails with when it is turned off.</summary>
    public ErrorCode? OffFailure { get; init; }

    public ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        Changes.Add($"period {Find(domain).Name} {seconds} {impact}");
        return seconds == 0 && OffFailure is { } code ? throw LibvirtError.Report(code, ErrorOrigin.Test, "not turned off") : default;
    }

    public ValueTask SetMemoryAsync(DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        Changes.Add($"memory {domain.Name} {kib} {impact}");
        return default;
    }

    public ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? asked, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        Changes.Add($"stats {groups}; {flags}");
        return new([.. (asked ?? _domains.Select(domain => domain.Identity)).Select(
            identity => new DriverStatsRecord(identity, Find(identity).Statistics))]);
    }

    private static bool Matches(DomainListFilter filter, FakeDomain domain) => DomainRules.Matches(
        filter, new DomainTraits(domain.State.State, IsPersistent: domain.Id is null, domain.HasManagedSave, IsAutostart: false));

    private ValueTask<DomainIdentity> Look(Func<FakeDomain, bool> condition) =>
        _domains.FirstOrDefault(condition) is { } domain
            ? new(domain.Identity)
            : throw LibvirtError.Report(ErrorCode.NoDomain, ErrorOrigin.Test, "nobody");

    private FakeDomain Find(DomainIdentity identity)
    {
        FakeDomain domain = _domains.Single(domain => domain.Identity == identity);
        return domain.Failure is null ? domain : throw domain.Failure;
    }
}
