using Ballast.Drivers.Qemu.Inventory;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Events;

/// <summary>
/// The events of one driver, for as long as somebody subscribes. QEMUs' own events come over their monitors; that one
/// comes or goes is noticed by looking once a second, and at once where a connection ends.
/// </summary>
internal sealed class QemuEvents(QemuInventory inventory, TimeSpan timeout, TimeProvider time, ConnectionLog log) : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    // A QEMU that closes its monitor takes a moment to be gone.
    private static readonly TimeSpan FirstLookAfterLoss = TimeSpan.FromMilliseconds(10);

    private readonly QemuEventQueue _queue = new(time);
    private readonly SemaphoreSlim _starting = new(1);
    private readonly Dictionary<QemuInstance, QemuEventSource> _sources = [];
    private TaskCompletionSource _lost = NewSignal();
    private CancellationTokenSource? _stop;
    private Task _looking = Task.CompletedTask;

    /// <summary>When this returned, the subscription stands: all QEMUs of now are listened to.</summary>
    public async ValueTask<IAsyncDisposable> SubscribeAsync(IDriverEventSink sink, CancellationToken cancellationToken)
    {
        await _starting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The looks have ended by a fault, which ended all who had subscribed.
            if (_stop is not null && _looking.IsCompleted)
            {
                _stop.Dispose();
                _stop = null;
                Forget();
            }

            if (_stop is null)
                await StartAsync(cancellationToken).ConfigureAwait(false);

            // What happened before is not for it, except what is held back.
            _queue.Flush(heldToo: false);
            return new Subscriber(_queue, _queue.Sinks.Add(sink, StopAsync));
        }
        finally
        {
            _starting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Flush(heldToo: true);
        _queue.Sinks.End(null);
        await StopAsync().ConfigureAwait(false);
        _queue.Dispose();
    }

    private async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await LookAsync(isFirst: true, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Forget();
            throw;
        }

        _stop = new CancellationTokenSource();
        _looking = PollAsync(_stop.Token);
    }

    private async ValueTask StopAsync()
    {
        await _starting.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_stop is null || !_queue.Sinks.IsEmpty)
                return;
            await _stop.CancelAsync().ConfigureAwait(false);
            await _looking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
            _stop = null;
            Forget();
        }
        finally
        {
            _starting.Release();
        }
    }

    private void Forget()
    {
        foreach (QemuEventSource source in _sources.Values)
            source.Dispose();
        _sources.Clear();
    }

    private async Task PollAsync(CancellationToken cancellationToken)
    {
        TimeSpan pause = Look;
        while (true)
        {
            pause = await IsLostWithinAsync(pause, cancellationToken).ConfigureAwait(false)
                ? FirstLookAfterLoss
                : pause + pause < Look ? pause + pause : Look;
            try
            {
                await LookAsync(isFirst: false, cancellationToken).ConfigureAwait(false);
            }
            catch (LibvirtException e)
            {
                // The inventory says once that it cannot look.
                if (inventory.LookError is null)
                    log.LookFailed(e);

                // What cannot be looked at now may be at the next look; who calls something is told.
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Subscribers must not wait for ever for what nobody looks for any more.
                _queue.Flush(heldToo: true);
                _queue.Sinks.End(e);
                return;
            }
        }
    }

    private async ValueTask LookAsync(bool isFirst, CancellationToken cancellationToken)
    {
        IReadOnlyList<QemuDomain> found = await inventory.RefreshAsync(connects: true, timeout, cancellationToken).ConfigureAwait(false);
        HashSet<QemuInstance> seen = [];
        List<QemuDomain> started = [];
        foreach (QemuDomain domain in found)
        {
            seen.Add(domain.Instance);
            if (_sources.TryGetValue(domain.Instance, out QemuEventSource? source))
                source.Update(domain);
            else
                started.Add(domain);
        }

        // Ends before beginnings: of a QEMU that was replaced, the new one has the same name and UUID, and who goes by those would take
        // it for off while it runs.
        List<Task> ending = [];
        foreach ((var key, QemuEventSource source) in _sources.ToArray())
        {
            if (seen.Contains(key))
                continue;
            _sources.Remove(key);
            ending.Add(source.EndAsync());
        }

        await Task.WhenAll(ending).ConfigureAwait(false);
        foreach (QemuDomain domain in started)
            _sources[domain.Instance] = new QemuEventSource(domain, isNew: !isFirst, _queue, NoticeLoss);
    }

    private async ValueTask<bool> IsLostWithinAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        try
        {
            await Volatile.Read(ref _lost).Task.WaitAsync(pause, time, cancellationToken).ConfigureAwait(false);
            _lost = NewSignal();
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    // Under a monitor's lock; the look itself is elsewhere.
    private void NoticeLoss() => Volatile.Read(ref _lost).TrySetResult();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Subscriber(QemuEventQueue queue, IAsyncDisposable registration) : IDriverSubscription
    {
        public void Settle() => queue.Flush(heldToo: false);

        public ValueTask DisposeAsync()
        {
            // What happened until now is for it.
            queue.Flush(heldToo: true);
            return registration.DisposeAsync();
        }
    }
}
