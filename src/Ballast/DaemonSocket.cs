using Ballast.Drivers;

namespace Ballast;

/// <summary>
/// The Unix sockets of this host's daemons, for programs that pass a connection on without reading it. <c>ballast ssh-helper</c>
/// is one: it is the end of a <c>qemu+ssh:</c> connection on the daemon's host.
/// </summary>
public static class DaemonSocket
{
    /// <summary>
    /// Finds the socket that a connection would use: ballastd's if it exists, else libvirt's. It does not connect.
    /// </summary>
    /// <param name="target">The absolute path of a socket, or a URI such as <c>qemu:///system</c>. Of a URI, only the driver and the path count.</param>
    /// <param name="readOnly">Whether to use the sockets that refuse changes.</param>
    /// <returns>The path; null if there is no such socket, or this user may not use it.</returns>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.InternalError"/> or <see cref="ErrorCode.NoConnect"/>: the target is not a valid URI.</exception>
    public static string? Find(string target, bool readOnly = false)
    {
        ArgumentNullException.ThrowIfNull(target);
        return DriverSelection.FindSocket(target, readOnly);
    }

    /// <summary>
    /// Connects two streams to a daemon's socket and copies bytes both ways, with at most one buffer in each direction. Returns
    /// when the daemon has closed the connection, or half a minute after the end of the input if the daemon then sends nothing.
    /// </summary>
    /// <param name="target">As in <see cref="Find"/>.</param>
    /// <param name="readOnly">As in <see cref="Find"/>.</param>
    /// <param name="input">The bytes for the daemon. A read may still be in progress when the task ends.</param>
    /// <param name="output">Receives the bytes that the daemon sends.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.SystemError"/>: there is no daemon, or it cannot be connected to; <see cref="LibvirtException.Int1"/> is
    /// the error number.
    /// </exception>
    /// <exception cref="IOException">The output failed, or the connection.</exception>
    public static Task RelayAsync(string target, bool readOnly, Stream input, Stream output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        return DriverSelection.RelayAsync(target, readOnly, input, output, cancellationToken);
    }
}
