using System.Globalization;

namespace Ballast.Balance.Recording;

/// <summary>The words of a record that stand nowhere else.</summary>
internal static class RecordWords
{
    public static string Of(PauseCause cause) => cause switch
    {
        PauseCause.Waiting => "waiting",
        PauseCause.Migrating => "migrating",
        PauseCause.Migrated => "migrated",
        PauseCause.Restoring => "restoring",
        PauseCause.Debugging => "debugging",
        PauseCause.InternalError => "internal error",
        PauseCause.Replicating => "replicating",
        _ => "unknown",
    };

    public static string Of(RecordEnd end) => end switch
    {
        RecordEnd.Interrupted => "interrupted",
        RecordEnd.Complete => "complete",
        RecordEnd.Full => "full",
        _ => "cut",
    };

    /// <summary>
    /// A reason by its word. Newer programs know more of them; all that they have in common is that the guest cannot be advised about.
    /// </summary>
    public static MemoryStatsReason Reason(string? word)
    {
        const string numbered = "reason ";
        if (word is null)
            return MemoryStatsReason.Fresh;
        if (Find<MemoryStatsReason>(word, MemoryStatsReasonExtensions.Label) is { } known)
            return known;
        return word.StartsWith(numbered, StringComparison.Ordinal)
            && int.TryParse(word.AsSpan(numbered.Length), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
            && number != (int)MemoryStatsReason.Fresh
            ? (MemoryStatsReason)number
            : (MemoryStatsReason)(-1);
    }

    /// <summary>The value of a word; null where none has it.</summary>
    public static T? Find<T>(string? word, Func<T, string> label)
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
        {
            if (label(value) == word)
                return value;
        }

        return null;
    }
}
