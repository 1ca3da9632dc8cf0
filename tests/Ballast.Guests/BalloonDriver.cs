using System.Buffers.Binary;
using System.Threading.Channels;

namespace Ballast.Guests;

/// <summary>What a guest's balloon driver does: the three queues, interrupts, and the answers to QEMU's polls.</summary>
internal sealed class BalloonDriver : IAsyncDisposable
{
    private const uint StatisticsQueueFeature = 1 << 1;
    private const ulong QueueMemory = 0x100000; // Above what firmware and reset vectors could want.
    private const ulong TargetOffset = 0;
    private const ulong ActualOffset = 4;

    private readonly QtestConnection _qtest;
    private readonly VirtioMmioDevice _device;
    private readonly Virtqueue _inflate = new(0, QueueMemory);
    private readonly Virtqueue _deflate = new(1, QueueMemory + Virtqueue.Footprint);
    private readonly Virtqueue _statistics = new(2, QueueMemory + (2 * Virtqueue.Footprint));
    private readonly SemaphoreSlim _exclusive = new(1);
    private readonly Channel<bool> _interrupts =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _serving;
    private readonly Lock _changeLock = new();
    private TaskCompletionSource _changed = NewSignal();
    private Exception? _failure;
    private bool _initialised;

    public BalloonDriver(QtestConnection qtest, VirtioMmioDevice device)
    {
        _qtest = qtest;
        _device = device;
        qtest.InterruptRaised = () => _interrupts.Writer.TryWrite(true);
        _serving = ServeInterruptsAsync(_stopping.Token);
    }

    /// <summary>How often QEMU has asked, by giving the statistics buffer back.</summary>
    public int PollCount { get; private set; }

    /// <summary>The balloon size that the host asked for last, in pages.</summary>
    public uint TargetPages { get; private set; }

    /// <summary>Whether QEMU holds a statistics buffer, so that it can poll.</summary>
    public bool StatisticsPosted => _statistics.Outstanding > 0;

    /// <summary>Answers each poll at once with the entries that it returns.</summary>
    public Func<ReadOnlyMemory<byte>>? Answer { get; set; }

    public bool FollowTarget { get; set; }

    public Task InitialiseAsync(CancellationToken cancellationToken) => ExclusivelyAsync(async token =>
    {
        _ = await _device.InitialiseAsync(StatisticsQueueFeature, [_inflate, _deflate, _statistics], token);
        _initialised = true;
    }, cancellationToken);

    public Task ResetAsync(CancellationToken cancellationToken) => ExclusivelyAsync(async token =>
    {
        Forget();
        _ = await _qtest.ExecuteAsync(_device.Reset(), token);
    }, cancellationToken);

    /// <summary>The machine was reset behind the driver's back: nothing that the device held is valid any more.</summary>
    public Task ForgetAsync(CancellationToken cancellationToken) => ExclusivelyAsync(_ =>
    {
        Forget();
        return Task.CompletedTask;
    }, cancellationToken);

    public Task ReportAsync(ReadOnlyMemory<byte> entries, CancellationToken cancellationToken) =>
        ExclusivelyAsync(token => PostStatisticsAsync(entries, token), cancellationToken);

    public Task InflateAsync(IEnumerable<uint> pages, CancellationToken cancellationToken) =>
        ExclusivelyAsync(token => MovePagesAsync(_inflate, pages, token), cancellationToken);

    public Task DeflateAsync(IEnumerable<uint> pages, CancellationToken cancellationToken) =>
        ExclusivelyAsync(token => MovePagesAsync(_deflate, pages, token), cancellationToken);

    public async Task<uint> ReadTargetAsync(CancellationToken cancellationToken) =>
        (uint)QtestConnection.ParseNumber(await _qtest.ExecuteAsync(_device.ReadConfig(TargetOffset), cancellationToken));

    public Task WriteActualAsync(uint pages, CancellationToken cancellationToken) =>
        _qtest.ExecuteAsync(_device.WriteConfig(ActualOffset, pages), cancellationToken);

    public Task WaitUntilAsync(string what, Func<bool> reached, TimeSpan? deadline, CancellationToken cancellationToken) =>
        Deadline.WithinAsync(deadline ?? Deadline.Default, what, async token =>
        {
            while (true)
            {
                Task changed;
                lock (_changeLock)
                    changed = _changed.Task;
                if (_failure is { } failure)
                    throw new InvalidOperationException("The guest's driver has failed.", failure);
                if (reached())
                    return;
                await changed.WaitAsync(token);
            }
        }, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _serving;
        _stopping.Dispose();
    }

    private void Forget()
    {
        _initialised = false;
        _statistics.Forget();
        _inflate.Forget();
        _deflate.Forget();
    }

    private async Task ServeInterruptsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var _ in _interrupts.Reader.ReadAllAsync(cancellationToken))
                await ExclusivelyAsync(ServeInterruptAsync, cancellationToken);
        }
        catch (Exception error)
        {
            // Told to whoever waits; a test that kills QEMU does not wait for anything any more.
            _failure = error;
            SignalChange();
        }
    }

    private async Task ServeInterruptAsync(CancellationToken cancellationToken)
    {
        // Acknowledged first: what happens after that raises the line again.
        var answers = await _qtest.ExecuteAsync(
            [
                _device.AcknowledgeInterrupts(),
                _device.ReadConfig(TargetOffset),
                _device.ReadConfig(ActualOffset),
                _statistics.ReadUsed(),
                _inflate.ReadUsed(),
                _deflate.ReadUsed(),
            ],
            cancellationToken);
        TargetPages = (uint)QtestConnection.ParseNumber(answers[1]);
        if (_initialised)
        {
            var polls = _statistics.AcceptUsed(answers[3]);
            _ = _inflate.AcceptUsed(answers[4]);
            _ = _deflate.AcceptUsed(answers[5]);
            PollCount += polls;
            if (FollowTarget && TargetPages != (uint)QtestConnection.ParseNumber(answers[2]))
                await WriteActualAsync(TargetPages, cancellationToken);
            if (!StatisticsPosted && Answer is { } answer)
                await PostStatisticsAsync(answer(), cancellationToken);
        }
    }

    private async Task PostStatisticsAsync(ReadOnlyMemory<byte> entries, CancellationToken cancellationToken)
    {
        RequireDriver();
        _ = await _qtest.ExecuteAsync(_statistics.Add(entries.Span), cancellationToken);

        // QEMU keeps one buffer and gives the one before back, which is no poll; a real poll can come just before.
        var answers = await _qtest.ExecuteAsync(
            [_statistics.ReadUsed(), _device.Notify(_statistics), _statistics.ReadUsed()], cancellationToken);
        PollCount += _statistics.AcceptUsed(answers[0]);
        _ = _statistics.AcceptUsed(answers[2]);
    }

    private async Task MovePagesAsync(Virtqueue queue, IEnumerable<uint> pages, CancellationToken cancellationToken)
    {
        RequireDriver();
        foreach (var chunk in pages.Chunk(Virtqueue.BufferSize / sizeof(uint)))
        {
            var content = new byte[chunk.Length * sizeof(uint)];
            for (var i = 0; i < chunk.Length; i++)
                BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(i * sizeof(uint)), chunk[i]);
            var answers = await _qtest.ExecuteAsync(
                [.. queue.Add(content), _device.Notify(queue), queue.ReadUsed()], cancellationToken);
            _ = queue.AcceptUsed(answers[^1]);
            if (queue.Outstanding != 0)
                throw new InvalidOperationException($"The device kept pages of queue {queue.Index}.");
        }
    }

    private void RequireDriver()
    {
        if (!_initialised)
            throw new InvalidOperationException("The guest's driver is not initialised.");
    }

    private async Task ExclusivelyAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        await _exclusive.WaitAsync(cancellationToken);
        try
        {
            await work(cancellationToken);
        }
        finally
        {
            _exclusive.Release();
        }

        SignalChange();
    }

    private void SignalChange()
    {
        lock (_changeLock)
        {
            _changed.SetResult();
            _changed = NewSignal();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
