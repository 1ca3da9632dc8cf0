using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Telemetry;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Who wants to know which QEMUs there are while somebody looks shares the next look with all who wait.</summary>
public sealed class SharedLookTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_many_who_ask_during_a_look_one_looks_again_for_all()
    {
        CountedScope scope = new();
        await using QemuInventory inventory = new([scope], TimeProvider.System, ConnectionLog.None);
        Task first = Task.Run(() => inventory.RefreshAsync(connects: false, Timeout, Token).AsTask(), Token);
        await scope.Begun.Task.In();
        Task[] others = [.. Enumerable.Range(0, 50).Select(_ => inventory.RefreshAsync(connects: false, Timeout, Token).AsTask())];
        Assert.DoesNotContain(others, other => other.IsCompleted);

        scope.GoOn.Set();
        await Task.WhenAll([first, .. others]).In();

        // What began before they asked does not show what came since; one that began after it does.
        Assert.Equal(2, scope.Looks);
    }

    [Fact]
    public async Task Who_asks_after_a_look_has_one_that_is_newer()
    {
        CountedScope scope = new();
        scope.GoOn.Set();
        await using QemuInventory inventory = new([scope], TimeProvider.System, ConnectionLog.None);

        for (int i = 1; i <= 5; i++)
        {
            _ = await inventory.RefreshAsync(connects: false, Timeout, Token);
            Assert.Equal(i, scope.Looks);
        }
    }

    [Fact]
    public async Task Where_nothing_can_have_changed_nobody_looks()
    {
        CountedScope scope = new() { HasChanged = false };
        scope.GoOn.Set();
        await using QemuInventory inventory = new([scope], TimeProvider.System, ConnectionLog.None);

        _ = await inventory.RefreshAsync(connects: false, Timeout, Token);

        Assert.Equal(0, scope.Looks);
    }

    private sealed class CountedScope : IQemuScope
    {
        private int _looks;

        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ManualResetEventSlim GoOn { get; } = new();

        public bool HasChanged { get; init; } = true;

        public int Looks => Volatile.Read(ref _looks);

        public IEnumerable<Sighting> Look(HostView view, QemuProcesses processes)
        {
            Interlocked.Increment(ref _looks);
            Begun.TrySetResult();
            Assert.True(GoOn.Wait(Waiting.Limit, Token));
            return [];
        }

        public bool MayHaveChanged() => HasChanged;

        public bool Disregard(MonitorKey key, bool isCertain) => true;
    }
}
