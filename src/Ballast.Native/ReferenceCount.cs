namespace Ballast.Native;

/// <summary>How many hold something; one at first. Once nobody does it stays so, whatever other threads still try.</summary>
internal sealed class ReferenceCount
{
    private int _count = 1;

    /// <exception cref="ObjectDisposedException">Nobody holds it any more.</exception>
    public void Add() => ObjectDisposedException.ThrowIf(Change(+1) < 0, this);

    /// <summary>Returns how many are left; below zero where there was none to give back.</summary>
    public int Release() => Change(-1);

    private int Change(int by)
    {
        int count = Volatile.Read(ref _count);
        while (count > 0)
        {
            int seen = Interlocked.CompareExchange(ref _count, count + by, count);
            if (seen == count)
                return count + by;
            count = seen;
        }

        return -1;
    }
}
