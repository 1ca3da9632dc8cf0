using System.Net.Sockets;

namespace Ballast.Tests.Integration;

/// <summary>The host's own addresses, of which a container may lack one.</summary>
internal static class Loopback
{
    private const string Addresses = "/proc/net/if_inet6";

    /// <summary>Whether <c>::1</c> is there: a kernel may know IPv6, and have no address of it.</summary>
    public static bool HasIPv6 { get; } = Socket.OSSupportsIPv6 && File.Exists(Addresses)
        && File.ReadAllText(Addresses).Contains("00000000000000000000000000000001 ", StringComparison.Ordinal);
}
