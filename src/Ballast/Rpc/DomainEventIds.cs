namespace Ballast.Rpc;

/// <summary>libvirt's numbers of the events that are sent and understood here (<c>virDomainEventID</c>).</summary>
internal static class DomainEventIds
{
    public const int Lifecycle = 0, Reboot = 1, BalloonChange = 13, MetadataChange = 23;
}
