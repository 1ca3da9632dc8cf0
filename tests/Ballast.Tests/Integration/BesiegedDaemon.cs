using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// A ballastd with healthy guests and one that can be stopped, whose second socket everybody reaches; and clients of it that
/// see no error, whatever others do.
/// </summary>
internal sealed class BesiegedDaemon : IAsyncDisposable
{
    private readonly SiegePrograms _programs;
    private readonly GuestCrowd _crowd;
    private readonly BallastDaemon _daemon;
    private readonly Connection _connection;
    private readonly Domain[] _domains;

    private BesiegedDaemon(SiegePrograms programs, GuestCrowd crowd, BallastDaemon daemon, Connection connection, Domain[] domains)
    {
        _programs = programs;
        _crowd = crowd;
        _daemon = daemon;
        _connection = connection;
        _domains = domains;
    }

    public BallastDaemon Daemon => _daemon;

    public IEnumerable<Guid> Healthy => _domains.Select(domain => domain.Uuid);

    private DrivenGuest Stoppable => _crowd.Guests[^1];

    public static async Task<BesiegedDaemon> StartAsync(int healthy, CancellationToken cancellationToken)
    {
        SiegePrograms programs = await SiegePrograms.BuildAsync(withCaller: false, cancellationToken);
        GuestCrowd crowd = await GuestCrowd.StartAsync(healthy + 1, cancellationToken);
        BallastDaemon daemon = await BallastDaemon.StartAsync(cancellationToken, "--qmp", crowd.DirectoryPath);
        PrivateDirectory.ToEverybody(Path.GetDirectoryName(daemon.SocketPath)!);
        Connection connection = await Connection.OpenAsync(daemon.Uri, cancellationToken: cancellationToken);
        IReadOnlyList<Domain> all = await connection.ListDomainsAsync(cancellationToken: cancellationToken);
        BesiegedDaemon besieged = new(programs, crowd, daemon, connection, [.. all.Where(domain => domain.Id != crowd.Guests[healthy].Pid)]);
        Assert.Equal(healthy, besieged._domains.Length);
        return besieged;
    }

    /// <summary>Stops one QEMU, and lets attackers loose, until the result is disposed of.</summary>
    public async Task<IAsyncDisposable> AttackAsync(SiegeAttack attack, TimeSpan longest, CancellationToken cancellationToken)
    {
        await Stoppable.Process.StopAsync(cancellationToken);
        return new Standing(await attack.StartAsync(_programs, _crowd.DirectoryPath, _daemon.ReadOnlySocketPath, longest), Stoppable);
    }

    /// <summary>Asks for each domain's numbers, for lists and for all. Whatever goes wrong is thrown.</summary>
    /// <returns>How often each was asked.</returns>
    public async Task<int> CallAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        MemoryStat[] stats = new MemoryStat[13];
        long end = Environment.TickCount64 + (long)time.TotalMilliseconds;
        int rounds = 0;
        for (; Environment.TickCount64 < end; rounds++)
        {
            foreach (Domain domain in _domains)
                Assert.True(await domain.FillMemoryStatsAsync(stats, cancellationToken: cancellationToken) >= 3);
            if (rounds % 20 != 0)
                continue;
            IReadOnlyList<Domain> list = await _connection.ListDomainsAsync(cancellationToken: cancellationToken);
            Assert.Empty(Healthy.Except(list.Select(domain => domain.Uuid)));
            IReadOnlyList<DomainStatsRecord> bulk = await _connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: cancellationToken);
            Guid[] told = [.. bulk.Where(one => one.Parameters.Any(parameter => parameter.Field == "balloon.current")).Select(one => one.Domain.Uuid)];
            Assert.Empty(Healthy.Except(told));
        }

        return rounds;
    }

    /// <summary>What it takes now.</summary>
    public DaemonTakes Look()
    {
        const int resident = 1;
        return new DaemonTakes(
            Directory.EnumerateFileSystemEntries($"/proc/{_daemon.Pid}/fd").Count(),
            Directory.EnumerateFileSystemEntries($"/proc/{_daemon.Pid}/task").Count(),
            long.Parse(File.ReadAllText($"/proc/{_daemon.Pid}/statm").Split(' ')[resident], CultureInfo.InvariantCulture) * Environment.SystemPageSize);
    }

    /// <summary>Waits until it takes no more than before.</summary>
    public Task CalmAsync(DaemonTakes before, CancellationToken cancellationToken)
    {
        DaemonTakes after = before;
        return Deadline.UntilAsync(Deadline.Default, "descriptors, threads and memory as before", _ =>
        {
            after = Look();
            return Task.FromResult(after.IsAbout(before));
        }, cancellationToken, TimeSpan.FromMilliseconds(200)).ContinueWith(
            done => done.IsFaulted ? throw new InvalidOperationException($"{after} instead of {before}", done.Exception.InnerException) : done,
            cancellationToken, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Unwrap();
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _daemon.DisposeAsync();
        await _crowd.DisposeAsync();
        _programs.Dispose();
    }

    private sealed class Standing(IAsyncDisposable attackers, DrivenGuest stopped) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            stopped.Process.Continue();
            await attackers.DisposeAsync();
        }
    }
}

/// <summary>What a daemon takes of the machine.</summary>
/// <param name="Descriptors">Open descriptors.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Bytes">Resident memory.</param>
internal readonly record struct DaemonTakes(int Descriptors, int Threads, long Bytes)
{
    // What it takes is not the same from one time to the next. Workers of the pool stay for a while when there were many.
    private const int SomeDescriptors = 8, SomeThreads = 8;
    private const long SomeBytes = 32L << 20;

    public bool IsAbout(DaemonTakes before) =>
        Descriptors <= before.Descriptors + SomeDescriptors && Threads <= before.Threads + SomeThreads && Bytes <= before.Bytes + SomeBytes;
}
