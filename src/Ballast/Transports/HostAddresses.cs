using System.Globalization;
using System.Runtime.InteropServices;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>The addresses of a host, as connect(2) takes them, in the order in which the system wants them tried.</summary>
internal static partial class HostAddresses
{
    private const int Stream = 1;

    // More than a name has; a hostile server of names shall not keep us trying.
    private const int Most = 16;

    /// <summary>Asks on a thread of its own: a server of names that is silent holds it for as long as the system's patience lasts.</summary>
    /// <exception cref="LibvirtException">The name has no address, in libvirt's words.</exception>
    public static Task<IReadOnlyList<HostAddress>> FindAsync(string host, int port, CancellationToken cancellationToken)
    {
        Task<IReadOnlyList<HostAddress>> finding = Task.Factory.StartNew<IReadOnlyList<HostAddress>>(
            () => Find(host, port), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        // Who gives up does not look at what comes of it.
        _ = finding.ContinueWith(
            static found => _ = found.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return finding.WaitAsync(cancellationToken);
    }

    private static List<HostAddress> Find(string host, int port)
    {
        string service = port.ToString(CultureInfo.InvariantCulture);
        Libc.AddressInfo hints = new() { SocketType = Stream };
        int error = Libc.GetAddrInfo(host, service, hints, out nint first);
        if (error != 0)
        {
            throw LibvirtError.Plain(ErrorCode.SystemError, ErrorOrigin.Rpc,
                $"Unable to resolve address '{host}' service '{service}': {Marshal.PtrToStringUTF8(Libc.GaiStrError(error))}");
        }

        try
        {
            List<HostAddress> found = [];
            for (nint next = first; next != 0 && found.Count < Most;)
            {
                Libc.AddressInfo info = Marshal.PtrToStructure<Libc.AddressInfo>(next);
                byte[] address = new byte[info.AddressLength];
                Marshal.Copy(info.Address, address, 0, address.Length);
                found.Add(new(info.Family, address));
                next = info.Next;
            }

            return found;
        }
        finally
        {
            Libc.FreeAddrInfo(first);
        }
    }
}

/// <summary>One of them.</summary>
/// <param name="Family">The kernel's number of its kind.</param>
/// <param name="Bytes">The kernel's structure, with the port.</param>
internal readonly record struct HostAddress(int Family, byte[] Bytes);
