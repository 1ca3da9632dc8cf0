using System.Net;
using System.Net.Sockets;

namespace Ballast.Server;

/// <summary>Whose client one is: a user of this host, or an address. All clients of one share their limits.</summary>
/// <param name="Uid">The user; 0 where there is an address.</param>
/// <param name="Address">
/// The address; of IPv6 the network, all of which one host may have. All of loopback is 127.0.0.1: it is this host, and every user
/// of it may come from any of its addresses.
/// </param>
internal readonly record struct ClientOwner(uint Uid, IPAddress? Address = null)
{
    private const int NetworkBytes = 8;

    public static implicit operator ClientOwner(uint uid) => new(uid);

    public static ClientOwner Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (IPAddress.IsLoopback(address))
            return new(0, IPAddress.Loopback);
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return new(0, address);
        byte[] network = address.GetAddressBytes();
        network.AsSpan(NetworkBytes).Clear();

        // Of link-local addresses, each link has a network of its own.
        return new(0, new IPAddress(network, address.ScopeId));
    }
}
