using System.Collections.Concurrent;
using Ballast.Cli.Commands;
using Ballast.Cli.Memory;

namespace Ballast.Cli.Top;

/// <summary>An event of a guest, for people.</summary>
internal sealed record GuestEvent(DateTimeOffset Time, Guid Domain, string Text);

/// <summary>One look at the guests of one connection.</summary>
/// <param name="Host">Of which.</param>
/// <param name="Lines">The guests; none where there was trouble.</param>
/// <param name="Trouble">Why there are none; null: all went well.</param>
/// <param name="Events">What happened since the look before.</param>
/// <param name="Guests">Which guests they are; null where that tells nothing.</param>
internal sealed record HostLookResult(
    HostFollower Host, IReadOnlyList<MemoryLine> Lines, string? Trouble, IReadOnlyList<GuestEvent> Events, HostGuests? Guests = null);

/// <summary>Looks at the guests of one connection again and again. One look at a time.</summary>
internal sealed class HostFollower(ConnectionGroupMember member, TimeProvider time) : IAsyncDisposable
{
    // What a guest's balloon may become changes when memory is plugged in, and that is rare.
    private const int LooksPerMaximum = 10, MaxEvents = 1000;

    private readonly RateKeeper _rates = new();
    private readonly ConcurrentQueue<GuestEvent> _events = new();
    private readonly CancellationTokenSource _end = new();
    private Dictionary<Guid, ulong> _maxima = [];
    private int _looks;
    private Connection? _heard;
    private (Connection Connection, HostPlace? Place)? _named;
    private Task _hearing = Task.CompletedTask;

    /// <summary>Which connection, for people.</summary>
    public string Name { get; private set; } = member.Uri ?? "default";

    public async Task<HostLookResult> LookAsync(CancellationToken cancellationToken)
    {
        ConnectionAnswer<Answer> answer = await member.AskAsync(AskAsync, cancellationToken);
        List<GuestEvent> events = [];
        while (_events.TryDequeue(out GuestEvent? happened))
            events.Add(happened);
        return answer.Value is { } said
            ? new(this, Lines(said), answer.Error?.Message, events, HostGuests.Of(said.Place, said.Samples.Select(sample => sample.Domain)))
            : new(this, [], answer.Error?.Message, events);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _hearing;
        _end.Dispose();
    }

    // One whose time is over may still go on: it changes nothing here.
    private async ValueTask<Answer> AskAsync(Connection connection, CancellationToken token)
    {
        Dictionary<Guid, ulong> known = _maxima;
        bool isTime = _looks % LooksPerMaximum == 0;
        IReadOnlyList<DomainMemorySample> samples = await connection.GetAllMemoryStatsAsync(cancellationToken: token);
        Dictionary<Guid, ulong>? maxima = isTime || samples.Any(sample => !known.ContainsKey(sample.Domain.Uuid))
            ? await Ballast.Balance.Advice.BalloonMaxima.AskAsync(connection, [.. samples.Select(sample => sample.Domain)], token)
            : null;
        HostPlace? place = _named is { } named && ReferenceEquals(named.Connection, connection) ? named.Place : await HostPlace.AskAsync(connection, token);
        return new(connection, samples, maxima, place);
    }

    private List<MemoryLine> Lines(Answer answer)
    {
        Name = member.Uri ?? answer.Connection.Uri;
        _named = (answer.Connection, answer.Place);
        Hear(answer.Connection);
        _looks++;
        _maxima = answer.Maxima ?? _maxima;
        List<MemoryLine> lines = [.. answer.Samples.Select(sample => new MemoryLine(
            sample.Domain, sample.Stats, _maxima.TryGetValue(sample.Domain.Uuid, out ulong kib) ? kib : null, _rates.Add(sample.Domain, sample.Stats)))];
        _rates.KeepOnly(lines.Select(line => line.Domain.Uuid).ToHashSet());
        return lines;
    }

    private sealed record Answer(Connection Connection, IReadOnlyList<DomainMemorySample> Samples, Dictionary<Guid, ulong>? Maxima, HostPlace? Place);

    private void Hear(Connection connection)
    {
        if (ReferenceEquals(_heard, connection))
            return;
        _heard = connection;
        Task before = _hearing;
        _hearing = Task.WhenAll(before, HearAsync(connection));
    }

    private async Task HearAsync(Connection connection)
    {
        try
        {
            await using DomainEventSubscription subscription = await connection.SubscribeAsync(cancellationToken: _end.Token);
            await foreach (DomainEvent happened in subscription.WithCancellation(_end.Token))
            {
                if (EventText.DomainOf(happened) is not { } domain)
                    continue;
                _events.Enqueue(new(time.GetLocalNow(), domain.Uuid, $"{EventText.Type(happened)} {EventText.Detail(happened)}".TrimEnd()));
                while (_events.Count > MaxEvents)
                    _ = _events.TryDequeue(out _);
            }
        }
        catch (Exception e) when (e is LibvirtException or OperationCanceledException or ObjectDisposedException)
        {
            // It has none, or it is gone: the next look says so.
        }
    }
}
