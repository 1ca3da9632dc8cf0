namespace Ballast.Rpc.Messages;

/// <summary>Memory limits as libvirt's typed parameters; a large number stands for no limit.</summary>
internal static class MemoryLimitParameters
{
    public const int Count = 3;

    public static DomainMemoryLimits Read(IEnumerable<RemoteParameter> parameters)
    {
        Dictionary<string, ulong> known = [];
        foreach (RemoteParameter parameter in parameters)
        {
            if ((TypedParameterType)parameter.Type == TypedParameterType.ULLong && parameter.Bits < DomainMemoryLimits.Unlimited)
                known[parameter.Field] = parameter.Bits;
        }

        return new DomainMemoryLimits(
            Value(DomainMemoryLimits.Hard), Value(DomainMemoryLimits.Soft), Value(DomainMemoryLimits.SwapHard));

        ulong? Value(string name) => known.TryGetValue(name, out ulong kib) ? kib : null;
    }
}
