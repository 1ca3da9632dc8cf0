namespace Ballast.Drivers.Qemu.Processes;

/// <summary>
/// How many processes that are called as QEMU's are, and are not believed, are shown: a user may start thousands, and everybody
/// would have to read them in every list.
/// </summary>
internal sealed class StrangerCrowd
{
    /// <summary>So many of one user are shown.</summary>
    public const int MostOfUser = 16;

    /// <summary>So many are shown of all: whoever may give itself other users' ids has 65,536 of them.</summary>
    public const int Most = 256;

    // So many of one user are looked at for those that can be shown.
    private const int MostLooks = 4 * MostOfUser;

    private readonly Dictionary<uint, int> _looks = [];
    private readonly Dictionary<uint, int> _shown = [];
    private readonly Dictionary<uint, int> _more = [];
    private int _all;

    /// <param name="known">Those that are shown already stay.</param>
    public StrangerCrowd(IEnumerable<QemuProcess> known)
    {
        foreach (QemuProcess process in known)
        {
            if (process.IsStranger)
                Enter(process.StrangersUid);
        }
    }

    /// <summary>How many more than those that are shown a user has; of more users than are shown, only some.</summary>
    public IReadOnlyDictionary<uint, int> More => _more;

    /// <summary>Whether one more of a user's is looked at, and shown if it is a QEMU of its own.</summary>
    public bool HasRoom(uint uid)
    {
        if (_shown.GetValueOrDefault(uid) >= MostOfUser || _all >= Most || _looks.GetValueOrDefault(uid) >= MostLooks
            || (_looks.Count >= Most && !_looks.ContainsKey(uid)))
        {
            if (_more.Count < Most || _more.ContainsKey(uid))
                _more[uid] = _more.GetValueOrDefault(uid) + 1;
            return false;
        }

        _looks[uid] = _looks.GetValueOrDefault(uid) + 1;
        return true;
    }

    /// <summary>One more of a user's is shown.</summary>
    public void Enter(uint uid)
    {
        _shown[uid] = _shown.GetValueOrDefault(uid) + 1;
        _all++;
    }
}
