using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>Which domains there are: lists and lookups.</summary>
internal static unsafe class LookupExports
{
    private const int UuidLength = 16;

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectNumOfDomains")]
    private static int CountActive(nint connection) => List(connection, "virConnectNumOfDomains", DomainListFilter.Active, found => Ids(found).Length);

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectNumOfDefinedDomains")]
    private static int CountInactive(nint connection) => List(connection, "virConnectNumOfDefinedDomains", DomainListFilter.Inactive, found => found.Count);

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectListDomains")]
    private static int ListActive(nint connection, int* ids, int maximum)
    {
        const string function = "virConnectListDomains";
        return ListUpTo(connection, function, "ids", ids, "maxids", maximum, DomainListFilter.Active, Ids, (i, id) => ids[i] = id);
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectListDefinedDomains")]
    private static int ListInactive(nint connection, nint* names, int maximum)
    {
        const string function = "virConnectListDefinedDomains";
        return ListUpTo(connection, function, "names", names, "maxnames", maximum, DomainListFilter.Inactive, found => found, (i, domain) => names[i] = NativeText.Copy(domain.Name));
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectListAllDomains")]
    private static int ListAll(nint connection, nint** domains, uint flags)
    {
        const string function = "virConnectListAllDomains";
        try
        {
            if (domains != null)
                *domains = null;
            ConnectionHandle owner = Handles.Connection(connection, function);
            IReadOnlyList<Domain> found = Blocking.Wait(owner.Connection.ListDomainsAsync((DomainListFilter)flags, Blocking.Token));
            if (domains != null)
                *domains = NewHandles(owner, found);
            return found.Count;
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    /// <summary>Handles in C's memory, with a null after the last one.</summary>
    private static nint* NewHandles(ConnectionHandle owner, IReadOnlyList<Domain> found)
    {
        nint* array = (nint*)NativeMemory.AllocZeroed((nuint)found.Count + 1, (nuint)sizeof(nint));
        try
        {
            for (int i = 0; i < found.Count; i++)
                array[i] = new DomainHandle(owner, found[i]).Handle;
            return array;
        }
        catch
        {
            // The connection was closed meanwhile.
            for (nint* next = array; *next != 0; next++)
                _ = Handles.Find<DomainHandle>(*next)?.Release();
            NativeMemory.Free(array);
            throw;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainLookupByID")]
    private static nint LookupById(nint connection, int id) =>
        Lookup(connection, "virDomainLookupByID", (handle, token) => handle.Connection.LookupByIdAsync(id, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainLookupByName")]
    private static nint LookupByName(nint connection, byte* name) => Lookup(connection, "virDomainLookupByName", (handle, token) =>
        handle.Connection.LookupByNameAsync(NativeText.Require(name, "name", "virDomainLookupByName", ErrorCode.NoDomain, handle.DriverOrigin), token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainLookupByUUID")]
    private static nint LookupByUuid(nint connection, byte* uuid) => Lookup(connection, "virDomainLookupByUUID", (handle, token) =>
        uuid == null
            ? throw CallException.Null("uuid", "virDomainLookupByUUID")
            : handle.Connection.LookupByUuidAsync(new Guid(new ReadOnlySpan<byte>(uuid, UuidLength), bigEndian: true), token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainLookupByUUIDString")]
    private static nint LookupByUuidText(nint connection, byte* uuid) => Lookup(connection, "virDomainLookupByUUIDString", (handle, token) =>
    {
        const string function = "virDomainLookupByUUIDString";
        return handle.Connection.LookupByUuidAsync(
            TryParseUuid(NativeText.Require(uuid, "uuidstr", function), out Guid parsed) ? parsed : throw CallException.Argument("Invalid UUID", "uuidstr", function), token);
    });

    /// <summary>As libvirt does: 16 bytes of two hexadecimal digits, with hyphens and spaces before each, and white space around all.</summary>
    private static bool TryParseUuid(string text, out Guid uuid)
    {
        const string space = " \t\n\v\f\r";
        Span<char> digits = stackalloc char[UuidLength * 2];
        ReadOnlySpan<char> rest = text.AsSpan().Trim(space);
        uuid = default;
        for (int i = 0; i < digits.Length; i += 2)
        {
            rest = rest.TrimStart("- ");
            if (rest.Length < 2)
                return false;
            rest[..2].CopyTo(digits[i..]);
            rest = rest[2..];
        }

        return rest.IsEmpty && Guid.TryParseExact(digits, "N", out uuid);
    }

    private static nint Lookup(nint connection, string function, Func<ConnectionHandle, CancellationToken, ValueTask<Domain>> find)
    {
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, function);
            return new DomainHandle(handle, Blocking.Wait(find(handle, Blocking.Token))).Handle;
        }
        catch (Exception e)
        {
            return Failure.NullOf(e, connection);
        }
    }

    // Those by which a domain is found: one whose process Ballast cannot see has 0, like others of its kind.
    private static int[] Ids(IReadOnlyList<Domain> domains) => [.. domains.Select(domain => domain.Id ?? 0).Where(id => id > 0)];

    private static int List(nint connection, string function, DomainListFilter filter, Func<IReadOnlyList<Domain>, int> answer) =>
        Call.OfConnection(connection, function, (handle, token) => handle.Connection.ListDomainsAsync(filter, token), answer);

    private static int ListUpTo<T>(
        nint connection, string function, string arrayName, void* array, string maximumName, int maximum, DomainListFilter filter,
        Func<IReadOnlyList<Domain>, IReadOnlyList<T>> select, Action<int, T> fill) =>
        Call.OfConnection(connection, function, (handle, token) =>
        {
            if (maximum < 0)
                throw CallException.Argument($"{maximumName} in {function} must be zero or greater", maximumName, function);
            return maximum > 0 && array == null ? throw CallException.Null(arrayName, function) : handle.Connection.ListDomainsAsync(filter, token);
        }, domains =>
        {
            IReadOnlyList<T> found = select(domains);
            int filled = Math.Min(found.Count, maximum);
            for (int i = 0; i < filled; i++)
                fill(i, found[i]);
            return filled;
        });
}
