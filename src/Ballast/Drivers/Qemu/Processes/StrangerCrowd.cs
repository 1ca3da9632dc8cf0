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

    private readonly Dictionary<uint, int> _shown = [];
    private readonly Dictionary<uint, int> _more = [];
    private int _all;

    /// <param name="known">Those that are shown already stay.</param>
    public StrangerCrowd(IEnumerable<QemuProcess> known)
    {
        foreach (QemuProcess process in known)
        {
            if (process.IsStranger)
                _ = TryEnter(process.StrangersUid);
        }
    }

    /// <summary>How many more than those that are shown a user has; of more users than are shown, only some.</summary>
    public IReadOnlyDictionary<uint, int> More => _more;

    /// <summary>One more of a user's: whether it is shown.</summary>
    public bool TryEnter(uint uid)
    {
        int shown = _shown.GetValueOrDefault(uid);
        if (shown >= MostOfUser || _all >= Most)
        {
            if (_more.Count < Most || _more.ContainsKey(uid))
                _more[uid] = _more.GetValueOrDefault(uid) + 1;
            return false;
        }

        _shown[uid] = shown + 1;
        _all++;
        return true;
    }
}
