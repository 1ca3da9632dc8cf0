using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>A <c>virDomainPtr</c>: counted, and itself a count on its connection.</summary>
internal sealed unsafe class DomainHandle
{
    private int _references = 1;
    private nint _name;

    public DomainHandle(ConnectionHandle owner, Domain domain)
    {
        Owner = owner;
        Domain = domain;
        owner.AddReference();
        Handle = Handles.Add(this);
    }

    public ConnectionHandle Owner { get; }

    public Domain Domain { get; }

    public nint Handle { get; }

    /// <summary>What C programs know an inactive domain's id by.</summary>
    public uint Id => Domain.Id is { } id ? (uint)id : uint.MaxValue;

    /// <summary>The name, as long as the handle lives.</summary>
    public nint Name
    {
        get
        {
            if (Volatile.Read(ref _name) != 0)
                return _name;
            nint copy = NativeText.Copy(Domain.Name);
            if (Interlocked.CompareExchange(ref _name, copy, 0) != 0)
                NativeMemory.Free((void*)copy);
            return _name;
        }
    }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
            return;
        Handles.Remove(Handle);
        NativeMemory.Free((void*)_name);
        _ = Owner.Release();
    }
}
