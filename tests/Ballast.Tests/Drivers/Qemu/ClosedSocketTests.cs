using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A socket that was disposed of is open as long as a call on another thread uses it: on a busy machine, for a while.</summary>
public sealed class ClosedSocketTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_opens_a_monitor_next_does_not_find_the_last_connection_still_there()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeSession session = await FakeSession.AtAsync(fake);
        QmpMonitor monitor = session.Monitor;
        SafeHandle socket = Channel(monitor)!.Socket;
        bool isInUse = false;
        socket.DangerousAddRef(ref isInUse);
        Task closing = session.DisposeAsync().AsTask();

        // Who comes before shares the connection that is still open.
        await Waiting.UntilAsync("closing", () => !monitor.IsConnected);
        Task<Connection> opening = FakeSession.ConnectAsync(fake);

        // Longer than a held monitor is waited for.
        await Task.Delay(TimeSpan.FromMilliseconds(600), Token);
        Assert.False(opening.IsCompleted, $"{opening.Exception}");
        socket.DangerousRelease();
        await closing.In();
        await using Connection second = await opening.In();
        Assert.Equal("fake", Assert.Single(await second.ListDomainsAsync(cancellationToken: Token)).Name);
    }

    [Fact]
    public async Task A_connection_of_its_own_that_is_being_closed_is_nobody_elses()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        SafeHandle socket = Channel(session.Monitor)!.Socket;
        bool isInUse = false;
        socket.DangerousAddRef(ref isInUse);
        Break(session.Monitor, null, null, isIdle: true);
        Task<MemoryStat[]> stats = session.StatsAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(600), Token);
        Assert.False(stats.IsFaulted, $"{stats.Exception}");
        socket.DangerousRelease();
        Assert.Equal(2, (await stats).Length);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_channel")]
    private static extern ref QmpChannel? Channel(QmpMonitor monitor);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "Break")]
    private static extern void Break(QmpMonitor monitor, Exception? cause, QmpChannel? channel, bool isIdle);
}
