using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>A <c>virDomainPtr</c>: counted, and itself a count on its connection.</summary>
internal sealed unsafe class DomainHandle
{
    private const nint Freed = -1;

    private readonly ReferenceCount _references = new();
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
    /// <exception cref="ObjectDisposedException">It was freed meanwhile.</exception>
    public nint Name
    {
        get
        {
            nint name = Volatile.Read(ref _name);
            if (name == 0)
            {
                nint copy = NativeText.Copy(Domain.Name);
                name = Interlocked.CompareExchange(ref _name, copy, 0);
                if (name == 0)
                    return copy;
                NativeMemory.Free((void*)copy);
            }

            return name != Freed ? name : throw new ObjectDisposedException(objectName: null);
        }
    }

    /// <exception cref="ObjectDisposedException">It was freed meanwhile.</exception>
    public void AddReference() => _references.Add();

    /// <summary>Gives a count back; false where there was none.</summary>
    public bool Release()
    {
        int left = _references.Release();
        if (left != 0)
            return left > 0;
        _ = Handles.Remove(Handle);
        NativeMemory.Free((void*)Interlocked.Exchange(ref _name, Freed));
        _ = Owner.Release();
        return true;
    }
}
