namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>How sure it is what is known of a QEMU, by who says it; the greater outranks the lesser.</summary>
internal enum Certainty
{
    /// <summary>
    /// The command line, in front of a file that could not be read, or perhaps not as QEMU read it. QEMU takes the last word, which may
    /// stand there.
    /// </summary>
    BeforeUnread,

    /// <summary>A file alone, which may have changed in a way that leaves no trace.</summary>
    InFile,

    /// <summary>QEMU's monitor.</summary>
    Told,

    /// <summary>The command line, and nothing behind it can say otherwise.</summary>
    Said,
}

/// <summary>What is known of a QEMU, and how sure it is.</summary>
/// <param name="Value">What.</param>
/// <param name="Certainty">How sure.</param>
internal readonly record struct Word<T>(T Value, Certainty Certainty)
    where T : notnull
{
    /// <summary>Whether it may be wrong: it takes nothing from others, and nothing is kept of it.</summary>
    public bool IsGuess => Certainty < Certainty.Told;

    /// <summary>The surer of two; null where neither says anything.</summary>
    public static Word<T>? Surer(Word<T>? one, Word<T>? other) =>
        one is { } first && other is { } second ? (first.Certainty >= second.Certainty ? first : second) : one ?? other;
}
