using System.Runtime.CompilerServices;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>What is found out once and stays; what could not be looked at is looked at again.</summary>
internal sealed class Remembered<T>(Func<T> find)
{
    private StrongBox<T>? _found;

    public T Value
    {
        get
        {
            if (Volatile.Read(ref _found) is { } found)
                return found.Value!;
            using LookTrouble trouble = new();
            T value = find();
            if (trouble.IsAnswered)
                Volatile.Write(ref _found, new StrongBox<T>(value));
            return value;
        }
    }
}
