namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Where a socket was looked for in vain, and why, for the message at the end.</summary>
internal sealed class LookFailures
{
    public const int Denied = 13;

    private readonly List<string> _texts = [];

    /// <summary>Whether this user may not look everywhere.</summary>
    public bool IsDenied { get; private set; }

    public void Add(string text, int errno)
    {
        IsDenied |= errno == Denied;
        if (!_texts.Contains(text))
            _texts.Add(text);
    }

    public override string ToString() => _texts.Count > 0 ? string.Join("; ", _texts) : "Ballast cannot see its directory";
}
