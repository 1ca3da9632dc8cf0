using Ballast.Drivers.Qemu;
using Ballast.Drivers.Test;

namespace Ballast.Drivers;

/// <summary>Picks the driver of a URI.</summary>
internal static class DriverSelection
{
    /// <summary>The URI for callers that named none.</summary>
    public static string DefaultUri() =>
        Environment.GetEnvironmentVariable("LIBVIRT_DEFAULT_URI") is { Length: > 0 } uri ? uri : "qmp:///";

    /// <summary>The QEMUs behind several monitor sockets and directories, be they there yet or not.</summary>
    public static IDriver OpenMonitors(IReadOnlyList<string> paths, ConnectionOptions options) => QemuDriver.OpenMonitors(paths, options);

    public static async ValueTask<IDriver> OpenAsync(
        ConnectUri uri, ConnectionOptions options, CancellationToken cancellationToken) =>
        (uri.Driver, uri.Transport, uri.Host) switch
        {
            ("test", null, "") when uri.Path == FleetDriver.Path => FleetDriver.Open(uri, options),
            ("test", null, "") => TestDriver.Open(uri, options),
            ("qmp", null, "") => await QemuDriver.OpenAsync(uri, options, cancellationToken).ConfigureAwait(false),
            _ => throw LibvirtError.Report(ErrorCode.NoConnect, ErrorOrigin.None, uri.Original),
        };
}
