using Ballast.Cli.Memory;
using Ballast.Cli.Terminal;

namespace Ballast.Cli.Top;

/// <summary>What fills the screen.</summary>
internal enum TopPage
{
    Table,
    Guest,
    Help,
}

/// <summary>What is known of all hosts, and what somebody wants to see of it. Changed by one thread only.</summary>
internal sealed class TopState(IReadOnlyList<HostFollower> hosts, MemoryOrder order)
{
    private const int MaxEvents = 500;

    private readonly Dictionary<HostFollower, HostLookResult> _looks = [];
    private readonly Dictionary<(HostFollower Host, Guid Domain), TopHistory> _histories = [];
    private readonly Dictionary<Connection, HostFollower> _hostsByConnection = [];
    private readonly Dictionary<HostFollower, HostFollower> _sameAs = [];
    private readonly List<GuestEvent> _events = [];
    private List<MemoryLine> _all = [];
    private (HostFollower Host, Guid Domain)? _selected;

    public IReadOnlyList<HostFollower> Hosts => hosts;

    public TopPage Page { get; private set; }

    public MemoryOrder Order { get; private set; } = order;

    /// <summary>What names must contain; empty: anything.</summary>
    public string Filter { get; private set; } = "";

    /// <summary>Whether the filter is being typed.</summary>
    public bool IsTyping { get; private set; }

    /// <summary>All guests.</summary>
    public IReadOnlyList<MemoryLine> All => _all;

    /// <summary>Those that are shown, in their order.</summary>
    public List<MemoryLine> Shown { get; private set; } = [];

    /// <summary>Where the chosen one is among <see cref="Shown"/>; 0 where it is not.</summary>
    public int Selected => _selected is { } key ? Math.Max(0, Shown.FindIndex(line => KeyOf(line) == key)) : 0;

    /// <summary>The chosen guest of the page about one; null where it is gone.</summary>
    public MemoryLine? Guest => _selected is { } key ? _all.Find(line => KeyOf(line) == key) : null;

    /// <summary>Of the chosen guest, oldest first.</summary>
    public IReadOnlyList<HistoryPoint> History =>
        _selected is { } key && _histories.TryGetValue(key, out TopHistory? history) ? history.Points : [];

    public IEnumerable<GuestEvent> EventsOfGuest => _events.Where(happened => happened.Domain == _selected?.Domain);

    /// <summary>How many lines a key for pages moves.</summary>
    public int RowsPerPage { get; set; } = 10;

    public HostFollower HostOf(MemoryLine line) => _hostsByConnection[line.Domain.Connection];

    /// <summary>Where a guest runs, in few columns.</summary>
    public string PlaceOf(MemoryLine line) => HostNames.Short(HostOf(line).Name, hosts.Select(host => host.Name));

    /// <summary>What is wrong with a host; null where nothing is, or it has not answered yet.</summary>
    public string? TroubleOf(HostFollower host) => _looks.TryGetValue(host, out HostLookResult? look) ? look.Trouble : null;

    public bool HasAnswered(HostFollower host) => _looks.ContainsKey(host);

    public void Take(HostLookResult look)
    {
        _looks[look.Host] = look;
        Connection[] connections = [.. look.Lines.Select(line => line.Domain.Connection).Distinct()];
        if (connections.Length > 0)
        {
            foreach (Connection old in _hostsByConnection.Where(known => known.Value == look.Host).Select(known => known.Key).ToList())
                _ = _hostsByConnection.Remove(old);
        }

        foreach (Connection connection in connections)
            _hostsByConnection[connection] = look.Host;

        HashSet<Guid> here = [.. look.Lines.Select(line => line.Domain.Uuid)];
        foreach (MemoryLine line in look.Lines)
        {
            if (!_histories.TryGetValue((look.Host, line.Domain.Uuid), out TopHistory? history))
                _histories[(look.Host, line.Domain.Uuid)] = history = new TopHistory();
            history.Add(HistoryPoint.Of(line.Stats));
        }

        // Of a host that is lost, all may come back.
        if (look.Trouble is null)
        {
            foreach ((HostFollower Host, Guid Domain) gone in _histories.Keys.Where(key => key.Host == look.Host && !here.Contains(key.Domain) && key != _selected).ToList())
                _ = _histories.Remove(gone);
        }

        _events.AddRange(look.Events);
        if (_events.Count > MaxEvents)
            _events.RemoveRange(0, _events.Count - MaxEvents);
        NoteSame(look);
        _all = [.. _looks.Values.Where(one => !IsShownAsAnother(one.Host)).SelectMany(one => one.Lines)];
        Arrange();
    }

    /// <summary>Whether a host is another one by another name, which shows its guests.</summary>
    private bool IsShownAsAnother(HostFollower host)
    {
        // Of three names of one host, the second may be in trouble.
        for (int i = 0; i < hosts.Count && _sameAs.TryGetValue(host, out HostFollower? other); i++)
        {
            if (TroubleOf(other) is null)
                return true;
            host = other;
        }

        return false;
    }

    // Once they are the same, they stay so while some are: guests that come and go are seen by one of both first.
    private void NoteSame(HostLookResult look)
    {
        if (look.Guests is not { } guests)
            return;
        foreach (HostLookResult other in _looks.Values.Where(other => other.Host != look.Host && other.Trouble is null))
        {
            HostFollower earlier = hosts.First(host => host == look.Host || host == other.Host), later = earlier == look.Host ? other.Host : look.Host;
            HostGuests? first = _looks[earlier].Guests, second = _looks[later].Guests;
            bool isInLater = second?.Cover(first) == true && first?.Cover(second) != true;
            (HostFollower hidden, HostFollower shown) = isInLater ? (earlier, later) : (later, earlier);
            bool isHidden = _sameAs.TryGetValue(hidden, out HostFollower? same) && same == shown, isTurned = _sameAs.TryGetValue(shown, out same) && same == hidden;
            if (isInLater || first?.Cover(second) == true)
            {
                if (isTurned)
                    _ = _sameAs.Remove(shown);
                _ = _sameAs.TryAdd(hidden, shown);
            }
            else if ((isHidden || isTurned) && !guests.AreSomeOf(other.Guests))
            {
                _ = _sameAs.Remove(isHidden ? hidden : shown);
            }
        }
    }

    /// <summary>Does what a key means; false: nothing is wanted any more.</summary>
    public bool Press(Key key)
    {
        if (key.Kind == KeyKind.Closed)
            return false;
        if (IsTyping)
        {
            Type(key);
            return true;
        }

        if (key is { Kind: KeyKind.Text, Text: "q" or "Q" })
            return false;
        if (Page != TopPage.Table)
        {
            if (key.Kind is KeyKind.Escape or KeyKind.Enter or KeyKind.Left or KeyKind.Backspace || key is { Kind: KeyKind.Text, Text: "?" })
                Page = TopPage.Table;
            else if (Page == TopPage.Guest)
                PressArrow(key);
            return true;
        }

        PressInTable(key);
        return true;
    }

    private void PressInTable(Key key)
    {
        switch (key)
        {
            case { Kind: KeyKind.Text, Text: "?" or "h" }:
                Page = TopPage.Help;
                break;
            case { Kind: KeyKind.Text, Text: "/" }:
                IsTyping = true;
                break;
            case { Kind: KeyKind.Escape }:
                Filter = "";
                Arrange();
                break;
            case { Kind: KeyKind.Enter } when Shown.Count > 0:
                Select(Selected);
                Page = TopPage.Guest;
                break;
            case { Kind: KeyKind.Text, Text: "<" } or { Kind: KeyKind.Left }:
                MoveOrder(-1);
                break;
            case { Kind: KeyKind.Text, Text: ">" } or { Kind: KeyKind.Right }:
                MoveOrder(+1);
                break;
            case { Kind: KeyKind.Text }:
                if (TopKeys.OrderOf(key.Text) is { } wanted)
                    (Order, _) = (wanted, _selected = null);
                Arrange();
                break;
            default:
                PressArrow(key);
                break;
        }
    }

    private void PressArrow(Key key)
    {
        int? to = key.Kind switch
        {
            KeyKind.Up => Selected - 1,
            KeyKind.Down => Selected + 1,
            KeyKind.PageUp => Selected - RowsPerPage,
            KeyKind.PageDown => Selected + RowsPerPage,
            KeyKind.Home => 0,
            KeyKind.End => Shown.Count - 1,
            _ => null,
        };
        if (to is { } row)
            Select(row);
    }

    private void Type(Key key)
    {
        switch (key.Kind)
        {
            case KeyKind.Text:
                Filter += key.Text;
                break;
            case KeyKind.Backspace when Filter.Length > 0:
                int last = char.IsLowSurrogate(Filter[^1]) && Filter.Length > 1 ? 2 : 1;
                Filter = Filter[..^last];
                break;
            case KeyKind.Escape:
                (Filter, IsTyping) = ("", false);
                break;
            case KeyKind.Enter:
                IsTyping = false;
                break;
            default:
                PressArrow(key);
                break;
        }

        Arrange();
    }

    private void MoveOrder(int by)
    {
        int at = MemoryOrder.All.ToList().IndexOf(Order) + by;
        Order = MemoryOrder.All[(at + MemoryOrder.All.Count) % MemoryOrder.All.Count];
        _selected = null;
        Arrange();
    }

    private void Select(int row)
    {
        if (Shown.Count > 0)
            _selected = KeyOf(Shown[Math.Clamp(row, 0, Shown.Count - 1)]);
    }

    private (HostFollower Host, Guid Domain) KeyOf(MemoryLine line) => (HostOf(line), line.Domain.Uuid);

    private void Arrange()
    {
        Shown = [.. _all.Where(line => Filter.Length == 0
            || line.Domain.Name.Contains(Filter, StringComparison.OrdinalIgnoreCase)
            || line.Stats.Reason.Label().Contains(Filter, StringComparison.OrdinalIgnoreCase))];
        Shown.Sort(Order);
    }
}
