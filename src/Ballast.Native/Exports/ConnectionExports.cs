using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>Connections: <c>virConnect…</c>.</summary>
internal static unsafe class ConnectionExports
{
    private const uint ReadOnly = 1, NoAliases = 2;

    [UnmanagedCallersOnly(EntryPoint = "managed_virInitialize")]
    private static int Initialize() => 0;

    [UnmanagedCallersOnly(EntryPoint = "managed_virGetVersion")]
    private static int GetVersion(nuint* library, byte* type, nuint* driver)
    {
        try
        {
            if (library == null)
                throw CallException.Null("libVer", "virGetVersion");
            *library = ToNumber(Connection.LibraryVersion);
            if (driver != null)
                *driver = ToNumber(Connection.LibraryVersion);
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectOpen")]
    private static nint Open(byte* name) => Open(name, null, 0);

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectOpenReadOnly")]
    private static nint OpenReadOnly(byte* name) => Open(name, null, ReadOnly);

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectOpenAuth")]
    private static nint OpenAuth(byte* name, NativeAuthentication* authentication, uint flags) => Open(name, authentication, flags);

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectRef")]
    private static int AddReference(nint connection)
    {
        try
        {
            Handles.Connection(connection, "virConnectRef").AddReference();
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectClose")]
    private static int Close(nint connection)
    {
        try
        {
            // Somebody else may close it at the same time.
            int left = Handles.Connection(connection, "virConnectClose").Release();
            return left >= 0 ? Math.Min(left, 1) : throw CallException.NoConnection("virConnectClose");
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetType")]
    private static nint GetDriverType(nint connection)
    {
        try
        {
            return Handles.Connection(connection, "virConnectGetType").Type;
        }
        catch (Exception e)
        {
            return Failure.NullOf(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetVersion")]
    private static int GetHypervisorVersion(nint connection, nuint* version) =>
        GetVersion(connection, "virConnectGetVersion", "hvVer", version, (handle, token) => handle.Connection.GetVersionAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetLibVersion")]
    private static int GetLibraryVersion(nint connection, nuint* version) =>
        GetVersion(connection, "virConnectGetLibVersion", "libVer", version, (handle, token) => handle.Connection.GetLibraryVersionAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetHostname")]
    private static nint GetHostName(nint connection) =>
        Call.TextOfConnection(connection, "virConnectGetHostname", (handle, token) => handle.Connection.GetHostNameAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetURI")]
    private static nint GetUri(nint connection) =>
        Call.TextOfConnection(connection, "virConnectGetURI", (handle, _) => new(handle.Connection.Uri));

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetSysinfo")]
    private static nint GetSysinfo(nint connection, uint flags) => Call.TextOfConnection(connection, "virConnectGetSysinfo", (handle, token) =>
    {
        handle.RefuseFlags(flags, "ConnectGetSysinfo");
        return handle.Connection.GetSysinfoAsync(token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetCapabilities")]
    private static nint GetCapabilities(nint connection) =>
        Call.TextOfConnection(connection, "virConnectGetCapabilities", (handle, token) => handle.Connection.GetCapabilitiesAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetMaxVcpus")]
    private static int GetMaxVcpus(nint connection, byte* type) => Call.OfConnection(
        connection, "virConnectGetMaxVcpus", (handle, token) => handle.Connection.GetMaxVcpusAsync(NativeText.Read(type), token), count => count);

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectIsEncrypted")]
    private static int IsEncrypted(nint connection) =>
        Call.OfConnection(connection, "virConnectIsEncrypted", (handle, _) => new ValueTask<bool>(Transport(handle) is "tls" or "ssh"), Bit);

    /// <summary>What does not leave the host is as safe as what is encrypted.</summary>
    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectIsSecure")]
    private static int IsSecure(nint connection) =>
        Call.OfConnection(connection, "virConnectIsSecure", (handle, _) => new ValueTask<bool>(Transport(handle) != "tcp"), Bit);

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectIsAlive")]
    private static int IsAlive(nint connection) =>
        Call.OfConnection(connection, "virConnectIsAlive", (handle, _) => new ValueTask<bool>(handle.Connection.IsAlive), Bit);

    /// <summary>Connections to daemons are kept alive by themselves; those in process need none.</summary>
    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectSetKeepAlive")]
    private static int SetKeepAlive(nint connection, int interval, uint count) =>
        Call.OfConnection(connection, "virConnectSetKeepAlive", (handle, _) =>
            handle.IsRemote ? new ValueTask<int>(0) : throw CallException.NoSupport("virConnectSetKeepAlive"), zero => zero);

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectRegisterCloseCallback")]
    private static int RegisterCloseCallback(nint connection, delegate* unmanaged<nint, int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free)
    {
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, "virConnectRegisterCloseCallback");
            if (callback == null)
                throw CallException.Null("cb", "virConnectRegisterCloseCallback");
            handle.Callbacks.SetCloseCallback((nint)callback, opaque, free);
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectUnregisterCloseCallback")]
    private static int UnregisterCloseCallback(nint connection, delegate* unmanaged<nint, int, nint, void> callback)
    {
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, "virConnectUnregisterCloseCallback");
            if (callback == null)
                throw CallException.Null("cb", "virConnectUnregisterCloseCallback");
            handle.Callbacks.RemoveCloseCallback((nint)callback);
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    private static int Bit(bool value) => value ? 1 : 0;

    private static nint Open(byte* name, NativeAuthentication* authentication, uint flags)
    {
        try
        {
            string? uri = NativeText.Read(name);
            RefuseFlags(uri, flags);
            CallerQuestions questions = new();

            // What goes on does no more than wake the thread that waits.
            ConnectionOptions options = new()
            {
                ReadOnly = (flags & ReadOnly) != 0,
                UnsafePreferInlineContinuations = true,
                AskCredential = authentication == null ? null : (request, token) => questions.AskAsync(() => Credentials.Ask(authentication, request), token),
            };
            ValueTask<Connection> opening = Connection.OpenAsync(uri, options, Blocking.Token);
            return new ConnectionHandle(authentication == null ? Blocking.Wait(opening) : questions.Wait(opening)).Handle;
        }
        catch (Exception e)
        {
            return Failure.NullOf(e);
        }
    }

    // libvirt's client hands none of them on: its driver for tests alone knows which it has.
    private static void RefuseFlags(string? uri, uint flags)
    {
        uint unknown = flags & ~ReadOnly;
        if (unknown == 0 || uri is null || !ConnectUri.TryParse(uri, out ConnectUri? parsed) || parsed.Transport is not null || parsed.Host.Length > 0)
            return;
        if (parsed.Driver == "test")
            throw CallException.Argument($"unsupported flags (0x{unknown:x}) in function testConnectOpen", "flags", "testConnectOpen", ErrorOrigin.Test);
        unknown &= ~NoAliases;
        if (parsed.Driver == "qmp" && unknown != 0)
            throw CallException.Argument($"unsupported flags (0x{unknown:x}) in function virConnectOpenInternal", "flags", "virConnectOpenInternal", ErrorOrigin.None);
    }

    private static int GetVersion(
        nint connection, string function, string argument, nuint* number, Func<ConnectionHandle, CancellationToken, ValueTask<Version>> ask) =>
        Call.OfConnection(connection, function, (handle, token) => number == null ? throw CallException.Null(argument, function) : ask(handle, token), answer =>
        {
            *number = ToNumber(answer);
            return 0;
        });

    private static nuint ToNumber(Version version) => (nuint)(((ulong)version.Major * 1_000_000) + ((ulong)version.Minor * 1_000) + (ulong)version.Build);

    private static string Transport(ConnectionHandle handle) =>
        ConnectUri.TryParse(handle.Connection.Uri, out ConnectUri? uri) ? uri.Transport ?? (uri.Host.Length > 0 ? "tls" : "") : "";
}
