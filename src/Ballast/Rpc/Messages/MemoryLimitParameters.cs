namespace Ballast.Rpc.Messages;

/// <summary>Memory limits as libvirt's typed parameters; a large number stands for no limit.</summary>
internal static class MemoryLimitParameters
{
    public const int Count = 3;

    private const ulong Unlimited = (1UL << 53) - 1;
    private const string Hard = "hard_limit", Soft = "soft_limit", SwapHard = "swap_hard_limit";

    public static IEnumerable<TypedParameter> From(DomainMemoryLimits limits) =>
    [
        TypedParameter.ULLong(Hard, limits.HardKiB ?? Unlimited),
        TypedParameter.ULLong(Soft, limits.SoftKiB ?? Unlimited),
        TypedParameter.ULLong(SwapHard, limits.SwapHardKiB ?? Unlimited),
    ];

    public static DomainMemoryLimits Read(IEnumerable<RemoteParameter> parameters)
    {
        Dictionary<string, ulong> known = [];
        foreach (RemoteParameter parameter in parameters)
        {
            if ((TypedParameterType)parameter.Type == TypedParameterType.ULLong && parameter.Bits < Unlimited)
                known[parameter.Field] = parameter.Bits;
        }

        return new DomainMemoryLimits(Value(Hard), Value(Soft), Value(SwapHard));

        ulong? Value(string name) => known.TryGetValue(name, out ulong kib) ? kib : null;
    }
}
