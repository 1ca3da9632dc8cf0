namespace Ballast.Drivers.Test;

/// <summary>What can be changed of the test domain: once for the running domain, once for its definition.</summary>
internal sealed class TestDefinition
{
    private ulong _maxMemoryKiB = 8388608;
    private ulong _memoryKiB = 2097152;
    private int _periodSeconds;

    public ulong MaxMemoryKiB
    {
        get => Volatile.Read(ref _maxMemoryKiB);
        set => Volatile.Write(ref _maxMemoryKiB, value);
    }

    public ulong MemoryKiB
    {
        get => Volatile.Read(ref _memoryKiB);
        set => Volatile.Write(ref _memoryKiB, value);
    }

    public int PeriodSeconds
    {
        get => Volatile.Read(ref _periodSeconds);
        set => Volatile.Write(ref _periodSeconds, value);
    }
}
