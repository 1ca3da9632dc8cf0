using Ballast.Fuzz.Targets;

namespace Ballast.Fuzz;

/// <summary>
/// A parser and what is always true of it, whatever it reads. A target may keep state between inputs only where the
/// outcome of an input does not depend on it: each failure must come again from its input alone.
/// </summary>
internal abstract class FuzzTarget
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new MonitorTarget(), new ChannelTarget(), new VirtioTarget(), new UriTarget(), new ServerTarget(), new ClientTarget(), new SaslTarget(), new PkiTarget(), new TlsTarget(), new RecordTarget(),
        new SshTarget(), new CommandTarget(), new BalanceTarget(),
    ];

    public abstract string Name { get; }

    /// <summary>Pieces that random bytes would seldom make.</summary>
    public abstract IReadOnlyList<byte[]> Dictionary { get; }

    /// <summary>Inputs to begin with, beside the corpus's files.</summary>
    public virtual IReadOnlyList<byte[]> Seeds => [];

    public static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);

    /// <summary>Reads the input, and throws if something is not as it must be.</summary>
    /// <returns>
    /// What came out, in kind: an input that brings something new is worth mutating further, as in fuzzers that watch
    /// the code's coverage.
    /// </returns>
    public abstract int Run(byte[] input);
}

/// <summary>Something is not as it must be.</summary>
internal sealed class FuzzException(string message, Exception? cause = null) : Exception(message, cause)
{
    public static void Require(bool condition, string otherwise)
    {
        if (!condition)
            throw new FuzzException(otherwise);
    }
}
