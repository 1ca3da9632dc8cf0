using System.Globalization;
using System.Net;

namespace Ballast.Daemon;

/// <summary>An address and port to listen on.</summary>
internal static class NetworkAddress
{
    /// <summary>Reads it. An address of IPv4 in IPv6's form (<c>::ffff:127.0.0.1</c>) is that of IPv4.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static IPEndPoint Parse(string text, string where, int usualPort)
    {
        // An address of IPv6 has its port behind brackets.
        bool hasPort = text.StartsWith('[') ? text.Contains("]:", StringComparison.Ordinal) : text.Count(c => c == ':') == 1;
        int colon = hasPort ? text.LastIndexOf(':') : text.Length;
        int port = usualPort;
        return IPAddress.TryParse(text.AsSpan(0, colon), out IPAddress? address)
            && (!hasPort || (int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort))
            ? new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port)
            : throw new UsageException($"{where}: '{text}' is not an address and a port, such as 192.0.2.1:{usualPort} or [::]:{usualPort}");
    }
}
