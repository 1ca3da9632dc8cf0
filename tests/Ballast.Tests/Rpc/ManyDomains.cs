using System.Globalization;
using Ballast.Drivers;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>A driver with many domains, all the same, that counts what it is asked.</summary>
internal sealed class ManyDomains(int count, int firstId = 1) : IDriver
{
    private readonly DomainIdentity[] _domains =
        [.. Enumerable.Range(0, count).Select(i => new DomainIdentity(string.Create(CultureInfo.InvariantCulture, $"domain{i}"), new Guid(i + 1, 0, 0, new byte[8]), i + firstId))];

    private long _samples, _lists, _remoteQuestions;

    public string Type => "FAKE";

    public long Samples => Interlocked.Read(ref _samples);

    public long Lists => Interlocked.Read(ref _lists);

    /// <summary>Statistics that were asked for one by one over libvirt's program.</summary>
    public long RemoteQuestions => Interlocked.Read(ref _remoteQuestions);

    public LibvirtException? Failure { get; set; }

    /// <summary>The domain that does not answer.</summary>
    public string? Silent { get; set; }

    /// <summary>The clock of its rounds; it stands still.</summary>
    public FakeTimeProvider Clock { get; } = new();

    /// <summary>What the clock showed at first.</summary>
    public DateTimeOffset Began { get; } = new FakeTimeProvider().GetUtcNow();

    public Connection Open() => new(this, "fake:///", new ConnectionOptions { TimeProvider = Clock });

    /// <summary>Waits until nobody has asked for a sample for a second.</summary>
    public async Task QuietAsync()
    {
        for (long before = -1; before != Samples;)
        {
            before = Samples;
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        }
    }

    public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lists);
        return Failure is null ? new(_domains) : throw Failure;
    }

    public ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) => new(new DomainStateInfo(DomainState.Running, 1));

    public ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken) => new("<domain/>");

    public ValueTask<int> GetMemoryStatsAsync(DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _remoteQuestions);
        stats.Span[0] = new MemoryStat(MemoryStatTag.ActualBalloon, 4711);
        return new(1);
    }

    public async ValueTask<MemoryStats> SampleMemoryAsync(DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        await Task.Yield();
        if (domain.Name == Silent)
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        Interlocked.Increment(ref _samples);
        return new MemoryStatsFacts { Entries = [new(MemoryStatTag.ActualBalloon, 4711)], IsRunning = true }.ToSample(DateTimeOffset.UnixEpoch);
    }

    public ValueTask DisposeAsync() => default;
}
