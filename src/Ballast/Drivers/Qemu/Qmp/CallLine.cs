namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// The calls that wait at a monitor. Those of clients that may change something go first; of clients that may only read, users take
/// turns, however many calls each has. While readers wait, one of theirs follows a few of the others.
/// </summary>
internal sealed class CallLine(Lock gate) : MonitorPart(gate)
{
    private const int MostBeforeReader = 8;

    private readonly List<QmpCall> _first = [];

    // In the order of their turns; each has calls.
    private readonly List<ReaderCalls> _readers = [];
    private int _beforeReader;

    public bool IsEmpty => _first.Count == 0 && _readers.Count == 0;

    /// <summary>All, in no order that matters.</summary>
    public IEnumerable<QmpCall> All => _first.Concat(_readers.SelectMany(static reader => reader.Calls));

    public void Add(QmpCall call)
    {
        AssertLocked();
        CallsLike(call).Add(call);
    }

    /// <summary>It was taken, and has to be sent once more: it is the next of its kind.</summary>
    public void PutBack(QmpCall call)
    {
        AssertLocked();
        CallsLike(call).Insert(0, call);
    }

    public void Remove(QmpCall call)
    {
        AssertLocked();
        if (_first.Remove(call))
            return;
        int at = _readers.FindIndex(reader => reader.User == call.Reader);
        if (at >= 0 && _readers[at].Calls.Remove(call) && _readers[at].Calls.Count == 0)
            _readers.RemoveAt(at);
    }

    /// <summary>The next one; there has to be one.</summary>
    public QmpCall Take()
    {
        AssertLocked();
        if (_first.Count > 0 && (_readers.Count == 0 || _beforeReader < MostBeforeReader))
        {
            _beforeReader = _readers.Count == 0 ? 0 : _beforeReader + 1;
            return TakeFirst(_first);
        }

        _beforeReader = 0;
        ReaderCalls reader = _readers[0];
        _readers.RemoveAt(0);
        QmpCall call = TakeFirst(reader.Calls);
        if (reader.Calls.Count > 0)
            _readers.Add(reader);
        return call;
    }

    /// <summary>Takes all that ask the same as one that is about to be sent: they all asked before, so its answer is theirs.</summary>
    public void TakeSame(QmpCall call, List<QmpCall> same)
    {
        AssertLocked();
        if (IsEmpty || !call.IsShareable)
            return;
        TakeSame(_first, call, same);
        for (int i = _readers.Count - 1; i >= 0; i--)
        {
            TakeSame(_readers[i].Calls, call, same);
            if (_readers[i].Calls.Count == 0)
                _readers.RemoveAt(i);
        }
    }

    public void Clear()
    {
        AssertLocked();
        _first.Clear();
        _readers.Clear();
    }

    private static void TakeSame(List<QmpCall> calls, QmpCall like, List<QmpCall> same)
    {
        int kept = 0;
        for (int i = 0; i < calls.Count; i++)
        {
            if (calls[i].AsksSame(like))
                same.Add(calls[i]);
            else
                calls[kept++] = calls[i];
        }

        calls.RemoveRange(kept, calls.Count - kept);
    }

    private static QmpCall TakeFirst(List<QmpCall> calls)
    {
        QmpCall call = calls[0];
        calls.RemoveAt(0);
        return call;
    }

    private List<QmpCall> CallsLike(QmpCall call)
    {
        if (call.Reader is not { } user)
            return _first;
        ReaderCalls? reader = _readers.Find(reader => reader.User == user);
        if (reader is null)
            _readers.Add(reader = new ReaderCalls(user));
        return reader.Calls;
    }

    /// <summary>What the clients of one user wait for.</summary>
    private sealed class ReaderCalls(object user)
    {
        public object User => user;

        public List<QmpCall> Calls { get; } = [];
    }
}
