using System.Collections.Concurrent;
using System.Threading.Channels;
using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

/// <summary>The watches that a daemon has for us, by the numbers that we gave them.</summary>
internal sealed class RemoteWatches
{
    private readonly ConcurrentDictionary<int, RemoteWatch> _watches = [];
    private int _last;

    public RemoteWatch Add()
    {
        RemoteWatch watch = new(Interlocked.Increment(ref _last));
        _watches[watch.Number] = watch;
        return watch;
    }

    public void Remove(RemoteWatch watch) => _watches.TryRemove(watch.Number, out _);

    /// <summary>On the receiving task. What belongs to no watch is the rest of one that was given up.</summary>
    public void Handle(in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        switch ((BallastProcedure)header.Procedure)
        {
            case BallastProcedure.WatchSamples:
                WatchSamplesEvent samples = XdrReader.Read<WatchSamplesEvent>(payload);
                if (_watches.TryGetValue(samples.Watch, out RemoteWatch? watch))
                    watch.Add(samples.Samples);
                break;
            case BallastProcedure.WatchEnded:
                WatchEndedEvent ended = XdrReader.Read<WatchEndedEvent>(payload);
                if (_watches.TryRemove(ended.Watch, out RemoteWatch? over))
                    over.End(ended.Error.ToException());
                break;
            default:
                break;
        }
    }
}

/// <summary>
/// What came for one watch and was not read yet: of each domain the newest sample. Who reads slowly misses some, and keeps
/// neither the connection waiting nor old numbers.
/// </summary>
internal sealed class RemoteWatch(int number)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, DriverSample> _unread = [];
    private readonly Channel<Guid> _order = Channel.CreateUnbounded<Guid>(new() { SingleReader = true });

    public int Number => number;

    public void Add(SampleRecord[] samples)
    {
        lock (_gate)
        {
            foreach (SampleRecord record in samples)
            {
                DriverSample sample = new(new DomainIdentity(record.Dom.Name, record.Dom.Uuid, record.Dom.Id < 0 ? null : record.Dom.Id), record.ToSample());
                if (_unread.Count >= RpcLimits.MaxDomains && !_unread.ContainsKey(record.Dom.Uuid))
                    End(RpcErrors.Bare($"the daemon sends samples of more than {RpcLimits.MaxDomains} domains"));
                else if (_unread.TryAdd(record.Dom.Uuid, sample))
                    _order.Writer.TryWrite(record.Dom.Uuid);
                else
                    _unread[record.Dom.Uuid] = sample;
            }
        }
    }

    public void End(LibvirtException error) => _order.Writer.TryComplete(error);

    /// <exception cref="LibvirtException">The watch has ended.</exception>
    public async ValueTask<DriverSample> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            Guid domain = await _order.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            lock (_gate)
                return _unread.Remove(domain, out DriverSample sample) ? sample : throw new InvalidOperationException("a sample was read twice");
        }
        catch (ChannelClosedException e) when (e.InnerException is LibvirtException error)
        {
            throw error;
        }
    }
}
