namespace Ballast.Drivers.Test;

/// <content>What disks and network interfaces tell: libvirt's test driver has numbers that grow with the clock.</content>
internal sealed partial class TestDriver
{
    private const ulong Capacity = 1099506450432, Allocation = 1099511627776;

    public ValueTask<DomainBlockCounters> GetBlockCountersAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken)
    {
        TestDomain now = Domains.Get(domain);
        if (disk.Length == 0)
            throw LibvirtError.Report(ErrorCode.OperationUnsupported, ErrorOrigin.Test, "summary statistics are not supported yet");
        now.RequireActive();
        _ = FindDisk(now.Definition, disk)
            ?? throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test, $"invalid path: {disk}");
        (long microseconds, long seconds) = Clock();
        return new(new DomainBlockCounters(microseconds / 10, microseconds / 20, microseconds / 30, microseconds / 40, seconds / 2));
    }

    public ValueTask<DomainBlockInfo> GetBlockInfoAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken)
    {
        XmlElement found = FindDisk(Domains.Get(domain).Definition, disk)
            ?? throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test, $"invalid path {disk} not assigned to domain");
        return SourceOf(found) is not null
            ? new(new DomainBlockInfo(Capacity, Allocation, Allocation))
            : throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test, $"disk '{disk}' does not currently have a source assigned");
    }

    public ValueTask<DomainInterfaceStats> GetInterfaceStatsAsync(DomainIdentity domain, string device, CancellationToken cancellationToken)
    {
        TestDomain now = Domains.Get(domain);
        now.RequireActive();
        if (!Devices(now.Definition, "interface").Any(card =>
            card.Child("target")?["dev"] == device || string.Equals(card.Child("mac")?["address"], device, StringComparison.OrdinalIgnoreCase)))
        {
            throw DomainRules.NoInterface(device);
        }

        (long microseconds, long seconds) = Clock();
        return new(new DomainInterfaceStats(
            new InterfaceTraffic(microseconds / 10, microseconds / 100, seconds, seconds / 2),
            new InterfaceTraffic(microseconds / 20, microseconds / 110, seconds / 3, seconds / 4)));
    }

    private static XmlElement? FindDisk(TestDefinition definition, string disk) => Devices(definition, "disk")
        .FirstOrDefault(one => one.Child("target")?["dev"] == disk || (disk.StartsWith('/') && SourceOf(one) == disk));

    private static string? SourceOf(XmlElement disk) => disk.Child("source") is { } source ? source["file"] ?? source["dev"] ?? source["dir"] : null;

    private static IEnumerable<XmlElement> Devices(TestDefinition definition, string kind) =>
        definition.Elements.Where(element => element.Name == "devices").SelectMany(devices => devices.Children(kind));

    private (long Microseconds, long Seconds) Clock()
    {
        TimeSpan now = _time.GetUtcNow() - DateTimeOffset.UnixEpoch;
        return (now.Ticks / TimeSpan.TicksPerMicrosecond, now.Ticks / TimeSpan.TicksPerSecond);
    }
}
