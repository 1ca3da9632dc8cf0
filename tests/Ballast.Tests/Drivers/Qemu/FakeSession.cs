using Ballast.Drivers.Qemu;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A connection to a <see cref="FakeQmp"/>, and its one domain.</summary>
internal sealed class FakeSession(Connection connection, Domain domain) : IAsyncDisposable
{
    private static long _lastSettled;

    public Connection Connection => connection;

    public Domain Domain => domain;

    public QmpMonitor Monitor => ((QemuDriver)connection.Driver).Monitor;

    public static async Task<FakeSession> AtAsync(FakeQmp fake, TimeProvider? time = null, TimeSpan? timeout = null)
    {
        Connection connection = await ConnectAsync(fake, time, timeout);
        Domain listed = Assert.Single(await connection.ListDomainsAsync().In());

        // As over a wire: by its UUID alone, a handle outlives a lost connection, after which nobody can tell who answers.
        return new FakeSession(connection, new Domain(connection, listed.Identity with { Instance = null }));
    }

    public static Task<Connection> ConnectAsync(FakeQmp fake, TimeProvider? time = null, TimeSpan? timeout = null) =>
        ConnectUnlessAsync(fake, time, timeout, CancellationToken.None);

    public static Task<Connection> ConnectUnlessAsync(
        FakeQmp fake, TimeProvider? time, TimeSpan? timeout, CancellationToken cancelled) =>
        Connection.OpenAsync(
            fake.Uri,
            new ConnectionOptions { TimeProvider = time ?? TimeProvider.System, Timeout = timeout ?? TimeSpan.FromSeconds(10) },
            cancelled).In();

    /// <summary>A call in the RFC's shape.</summary>
    public Task<MemoryStat[]> StatsAsync(int room = 1024, MemoryStatsOptions options = MemoryStatsOptions.None) =>
        StatsUnlessAsync(CancellationToken.None, room, options);

    public async Task<MemoryStat[]> StatsUnlessAsync(
        CancellationToken cancelled, int room = 1024, MemoryStatsOptions options = MemoryStatsOptions.None)
    {
        MemoryStat[] buffer = new MemoryStat[room];
        int count = await domain.FillMemoryStatsAsync(buffer, options, cancelled).In();
        return buffer[..count];
    }

    public Task<MemoryStats> SampleAsync(MemoryStatsOptions options = MemoryStatsOptions.None) =>
        domain.GetMemoryStatsAsync(options).In();

    public Task SetPeriodAsync(int seconds) => SetPeriodUnlessAsync(seconds, CancellationToken.None);

    public Task SetPeriodUnlessAsync(int seconds, CancellationToken cancelled) =>
        domain.SetPeriodAsync(seconds, cancellationToken: cancelled).In();

    public Task SetMemoryAsync(ulong kib) => SetMemoryUnlessAsync(kib, CancellationToken.None);

    public Task SetMemoryUnlessAsync(ulong kib, CancellationToken cancelled) =>
        domain.SetMemoryAsync(kib, cancellationToken: cancelled).In();

    /// <summary>The monitor closes the connection, and the loss is noticed.</summary>
    public Task LoseAsync(FakeQmp fake)
    {
        fake.Disconnect();
        return Waiting.UntilAsync("loss", () => !Monitor.IsConnected);
    }

    /// <summary>This side ends the connection, because of what no QEMU says: who answers after that is the one of before.</summary>
    public async Task BreakAsync(FakeQmp fake)
    {
        await OffendAsync(fake);
        await Waiting.UntilAsync("end", () => !Monitor.IsConnected);
    }

    /// <summary>The same, where somebody connects again at once.</summary>
    public static Task OffendAsync(FakeQmp fake) => fake.SendAsync("]]\n");

    /// <summary>Waits until all that the monitor has sent is read: an event sent now is seen.</summary>
    public async Task SettleAsync(FakeQmp fake)
    {
        ulong bytes = (ulong)Interlocked.Increment(ref _lastSettled) << 20;
        await fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", $$"""{"actual": {{bytes}}}"""));
        await Waiting.UntilAsync("BALLOON_CHANGE", () => Monitor.ActualBytes == bytes);
    }

    public async ValueTask DisposeAsync() => await connection.DisposeAsync().AsTask().WaitAsync(Waiting.Limit);
}

/// <summary>No test waits for ever.</summary>
internal static class Waiting
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    public static Task<T> In<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);

    public static Task In(this ValueTask task) => task.AsTask().WaitAsync(Limit);

    public static Task<T> In<T>(this Task<T> task) => task.WaitAsync(Limit);

    public static Task In(this Task task) => task.WaitAsync(Limit);

    /// <summary>Looks again and again, for what announces itself in no other way.</summary>
    public static async Task UntilAsync(string what, Func<bool> reached)
    {
        long since = TimeProvider.System.GetTimestamp();
        while (!reached())
        {
            if (TimeProvider.System.GetElapsedTime(since) > Limit)
                throw new TimeoutException($"No {what} within {Limit.TotalSeconds} s.");
            await Task.Delay(1);
        }
    }

    public static async Task<LibvirtException> FailsAsync(this Task task, ErrorCode code)
    {
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(() => task.WaitAsync(Limit));
        Assert.Equal(code, error.Code);
        return error;
    }
}
