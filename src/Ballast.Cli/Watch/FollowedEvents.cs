using System.Runtime.CompilerServices;
using Ballast.Cli.Commands;

namespace Ballast.Cli.Watch;

/// <summary>Events one after the other. Where the connection is lost and opened again, it is told that some are missing.</summary>
/// <param name="invocation">The command.</param>
/// <param name="kinds">Which events.</param>
/// <param name="domain">Whose; null: of all.</param>
internal sealed class FollowedEvents(CommandInvocation invocation, DomainEventKinds kinds, Domain? domain) : IAsyncDisposable
{
    private DomainEventSubscription? _subscription;

    public async Task SubscribeAsync() => _subscription = await invocation.Connection.SubscribeAsync(
        new DomainEventFilter { Kinds = kinds, Domain = domain }, invocation.CancellationToken);

    /// <param name="lasts">Whether to go on where the connection was lost; else its error ends it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<DomainEvent> ReadAsync(bool lasts, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        LastingConnection connection = new(invocation) { Prepare = SubscribeAgainAsync, Listens = true };
        while (true)
        {
            await using IAsyncEnumerator<DomainEvent> events = _subscription!.GetAsyncEnumerator(cancellationToken);
            string? loss = null;
            while (loss is null)
            {
                bool isOver = false;
                try
                {
                    isOver = !await events.MoveNextAsync();
                }
                catch (LibvirtException e) when (lasts && connection.IsLost(e))
                {
                    loss = e.Message;
                }

                if (isOver)
                    yield break;
                if (loss is null)
                    connection.NoteSeen();
                if (loss is null && IsWanted(events.Current))
                    yield return events.Current;
            }

            await connection.ReopenAsync(loss, cancellationToken);
            yield return new EventsMissed(EventsMissedCause.ConnectionLost, null);
        }
    }

    public ValueTask DisposeAsync() => _subscription?.DisposeAsync() ?? default;

    // A domain that does not run now may be started again, and is the same by its UUID, whether the daemon knows it now or not.
    private bool IsWanted(DomainEvent happened) => domain is null || EventText.DomainOf(happened) is not { } its || its.Uuid == domain.Uuid;

    private async Task SubscribeAgainAsync(Connection connection, CancellationToken token)
    {
        _subscription = await connection.SubscribeAsync(new DomainEventFilter { Kinds = kinds }, token);
        if (domain is null)
            return;
        bool runs;
        try
        {
            runs = (await connection.LookupByUuidAsync(domain.Uuid, token)).Id is not null;
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoDomain)
        {
            runs = false;
        }

        if (!runs && !invocation.IsQuiet)
            invocation.Warn($"domain '{domain.Name}' does not run now");
    }
}
