using System.Diagnostics.CodeAnalysis;

namespace Ballast.Native;

/// <summary>
/// What happened and was not told yet, in order and within bounds. As long as there is room nothing is lost. Beyond that only the
/// newest of each kind is kept for each domain, so that who is told all that is left knows how each domain is now.
/// </summary>
/// <param name="capacity">How many wait in order, and of how many domains and kinds the newest is kept beyond that.</param>
internal sealed class WaitingEvents(int capacity = WaitingEvents.Capacity)
{
    /// <summary>What waits in order may take so much, and what waits apart: what a daemon calls a domain may be megabytes long.</summary>
    public const long MostBytes = 16 * 1024 * 1024;

    /// <summary>A few MiB: what comes in half a minute of two thousand changes a second.</summary>
    public const int Capacity = 65536;

    private readonly Lock _gate = new();
    private readonly Queue<object> _inOrder = new();
    private long _bytesInOrder;
    private long _bytesApart;

    // The oldest first; each event is found by what it is the newest of.
    private readonly LinkedList<(Subject Of, object Happened)> _newest = new();
    private readonly Dictionary<Subject, LinkedListNode<(Subject Of, object Happened)>> _places = [];

    public void Add(object happened)
    {
        lock (_gate)
        {
            // Once some wait apart, all do, or a newer one would be told before an older.
            long bytes = BytesOf(happened);
            if (_newest.Count > 0 || _inOrder.Count >= capacity || (_inOrder.Count > 0 && _bytesInOrder + bytes > MostBytes))
            {
                Keep(SubjectOf(happened), happened);
                return;
            }

            _inOrder.Enqueue(happened);
            _bytesInOrder += bytes;
        }
    }

    public bool TryTake([NotNullWhen(true)] out object? happened)
    {
        lock (_gate)
        {
            if (_inOrder.TryDequeue(out happened))
            {
                _bytesInOrder -= BytesOf(happened);
                return true;
            }

            if (_newest.First is not { } first)
                return false;
            happened = first.Value.Happened;
            Forget(first);
            return true;
        }
    }

    private static Subject SubjectOf(object happened) => happened switch
    {
        // A definition says nothing of whether the domain runs.
        DomainLifecycleEvent { Change: DomainLifecycleChange.Defined or DomainLifecycleChange.Undefined } e => new(e.Domain.Uuid, Kind.Definition),
        DomainLifecycleEvent e => new(e.Domain.Uuid, Kind.State),
        DomainRebootEvent e => new(e.Domain.Uuid, Kind.Reboot),
        BalloonChangeEvent e => new(e.Domain.Uuid, Kind.Balloon),
        MetadataChangeEvent e => new(e.Domain.Uuid, Kind.Metadata, (int)e.Type, e.NamespaceUri),
        _ => new(default, Kind.Connection),
    };

    private void Keep(Subject subject, object happened)
    {
        if (_places.TryGetValue(subject, out LinkedListNode<(Subject Of, object Happened)>? older))
            Forget(older);
        else if (_newest.Count >= capacity)
            Forget(_newest.First!);
        _places.Add(subject, _newest.AddLast((subject, happened)));
        _bytesApart += BytesOf(happened);
        while (_bytesApart > MostBytes && _newest.Count > 1)
            Forget(_newest.First!);
    }

    private void Forget(LinkedListNode<(Subject Of, object Happened)> place)
    {
        _newest.Remove(place);
        _ = _places.Remove(place.Value.Of);
        _bytesApart -= BytesOf(place.Value.Happened);
    }

    // With what the objects themselves take.
    private static long BytesOf(object happened)
    {
        const int objects = 200;
        int characters = happened switch
        {
            DomainLifecycleEvent e => e.Domain.Name.Length,
            DomainRebootEvent e => e.Domain.Name.Length,
            BalloonChangeEvent e => e.Domain.Name.Length,
            MetadataChangeEvent e => e.Domain.Name.Length + (e.NamespaceUri?.Length ?? 0),
            _ => 0,
        };
        return objects + (sizeof(char) * (long)characters);
    }

    private enum Kind
    {
        Connection,
        Definition,
        State,
        Reboot,
        Balloon,
        Metadata,
    }

    private readonly record struct Subject(Guid Domain, Kind Kind, int Metadata = 0, string? NamespaceUri = null);
}
