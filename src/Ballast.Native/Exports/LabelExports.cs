using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>The words for the interface's numbers. They are handed out as they are, for ever; unknown numbers have none.</summary>
internal static unsafe class LabelExports
{
    private static readonly Dictionary<int, nint> Tags = Copy(MemoryStatTags.Libvirt.Concat(MemoryStatTags.Extended), tag => tag.Label());
    private static readonly Dictionary<int, nint> Reasons = Copy<MemoryStatsReason>(reason => reason.Label());
    private static readonly Dictionary<int, nint> Freshnesses = Copy<Freshness>(freshness => freshness.Label());
    private static readonly Dictionary<int, nint> Formulas = Copy<UsedMemoryFormula>(formula => formula.Label());
    private static readonly Dictionary<int, nint> Inconsistencies = Copy<MemoryStatsInconsistency>(found => found.Label());

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastMemoryStatLabel")]
    private static nint OfTag(int tag) => Call.Guarded((nint)0, () => Tags.GetValueOrDefault(tag));

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastMemoryReasonLabel")]
    private static nint OfReason(int reason) => Call.Guarded((nint)0, () => Reasons.GetValueOrDefault(reason));

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastFreshnessLabel")]
    private static nint OfFreshness(int freshness) => Call.Guarded((nint)0, () => Freshnesses.GetValueOrDefault(freshness));

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastUsedFormulaLabel")]
    private static nint OfFormula(int formula) => Call.Guarded((nint)0, () => Formulas.GetValueOrDefault(formula));

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastMemoryInconsistencyLabel")]
    private static nint OfInconsistency(uint inconsistency) => Call.Guarded((nint)0, () => Inconsistencies.GetValueOrDefault((int)inconsistency));

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastMemoryReasonRemedy")]
    private static nint Remedy(int reason, byte* domain)
    {
        try
        {
            return Enum.IsDefined((MemoryStatsReason)reason)
                ? NativeText.Copy(((MemoryStatsReason)reason).Remedy(NativeText.Show(domain) ?? "DOMAIN"))
                : throw CallException.Argument($"there is no reason {reason}", "reason", "ballastMemoryReasonRemedy");
        }
        catch (Exception e)
        {
            return Failure.NullOf(e);
        }
    }

    // What has no word, such as a set of bits that is empty, is none of them.
    private static Dictionary<int, nint> Copy<T>(Func<T, string> label)
        where T : struct, Enum => Copy(Enum.GetValues<T>(), label);

    private static Dictionary<int, nint> Copy<T>(IEnumerable<T> values, Func<T, string> label)
        where T : struct, Enum =>
        values.Where(value => label(value).Length > 0).ToDictionary(value => (int)(object)value, value => NativeText.Copy(label(value)));
}
