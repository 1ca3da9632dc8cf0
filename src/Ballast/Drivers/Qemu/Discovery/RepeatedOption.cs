namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>An option that may be repeated, on the command line and in files: of each member the last word counts.</summary>
internal sealed class RepeatedOption
{
    // By the number of files that could not be read before: a hostile command line may name many members and many files.
    private readonly Dictionary<string, (Certainty Certainty, int Doubts)> _certainties = [];
    private int _doubts;

    /// <summary>What was said at last.</summary>
    public OptionMembers Members { get; } = new();

    public string? this[string name] => Members[name];

    public void Add(OptionMembers later, Certainty certainty)
    {
        Members.Merge(later);
        foreach (string name in later.Names)
            _certainties[name] = (certainty, _doubts);
    }

    public void Set(string name, string value, Certainty certainty)
    {
        Members.Set(name, value);
        _certainties[name] = (certainty, _doubts);
    }

    /// <summary>Here stands a file that may say any of it again.</summary>
    public void Doubt() => _doubts++;

    /// <summary>How sure it is what a member is, also that it is absent.</summary>
    public Certainty CertaintyOf(string name)
    {
        // What nobody says, such a file may say, too.
        (Certainty certainty, int doubts) = _certainties.GetValueOrDefault(name, (Certainty.Said, 0));
        return doubts < _doubts ? Certainty.BeforeUnread : certainty;
    }
}
