using System.Globalization;

namespace Ballast.Tests.Fakes;

/// <summary>The QEMU that a <see cref="FakeQmp"/> pretends to be: what it answers where a test scripts nothing else.</summary>
internal sealed class FakeGuest
{
    public const string Peripheral = "/machine/peripheral";
    public const string Anonymous = "/machine/peripheral-anon";

    private ulong _lastNumber;

    public string? Name { get; set; } = "fake";

    public string Uuid { get; set; } = "6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11";

    public string Status { get; set; } = "running";

    public ulong MemoryBytes { get; set; } = 4096 * 1024 * 1024ul;

    /// <summary>The sizes of its DIMMs.</summary>
    public List<ulong> Dimms { get; } = [];

    /// <summary>What it has of its virtio-mem devices, and what it could have.</summary>
    public List<(ulong Size, ulong Most)> VirtioMem { get; } = [];

    public int Cpus { get; set; } = 2;

    /// <summary>JSON of the disks; null: it cannot tell.</summary>
    public string? Blocks { get; set; }

    /// <summary>JSON of their statistics.</summary>
    public string? BlockStats { get; set; }

    /// <summary>The thread of its first processor; the others' follow.</summary>
    public int FirstThread { get; set; } = 1_000_000_000;

    /// <summary>How many processors there can be; null: a machine whose processors cannot be plugged.</summary>
    public int? CpuSlots { get; set; }

    public ulong ActualBytes { get; set; } = 2048 * 1024 * 1024ul;

    public long Interval { get; set; } = 5;

    /// <summary>JSON of the number; null leaves it out.</summary>
    public string? LastUpdate { get; set; } = "0";

    /// <summary>JSON of each value.</summary>
    public Dictionary<string, string> Stats { get; } = [];

    /// <summary>The balloon's path; null: there is none.</summary>
    public string? Balloon { get; set; } = $"{Peripheral}/balloon0";

    public string BalloonType { get; set; } = "child<virtio-balloon-pci>";

    public bool IsDriverBound { get; set; } = true;

    /// <summary>Whether its driver took the feature "deflate on OOM".</summary>
    public bool DeflatesOnOom { get; set; }

    /// <summary>Whether the device says that it offers that.</summary>
    public bool OffersDeflate { get; set; } = true;

    /// <summary>What the guest does when it is asked for a report: when the period goes from off to on.</summary>
    public Action? Asked { get; set; }

    /// <summary>What it has put into the statistics queue; null: a QEMU that cannot tell.</summary>
    public int? StatsQueueIndex { get; set; } = 1;

    /// <summary>A report of those numbers.</summary>
    public void Report(long lastUpdate, ulong freeBytes)
    {
        Stats["stat-free-memory"] = freeBytes.ToString(CultureInfo.InvariantCulture);
        LastUpdate = lastUpdate.ToString(CultureInfo.InvariantCulture);
        StatsQueueIndex++;
    }

    /// <summary>Gives every number that is told about memory a value of its own, larger than all before, in KiB.</summary>
    public bool IsCounting { get; set; }

    /// <summary>The last such number.</summary>
    public ulong LastNumber => Interlocked.Read(ref _lastNumber);

    private string VirtioPath => BalloonType == "child<virtio-balloon-device>" ? Balloon! : $"{Balloon}/virtio-backend";

    /// <summary>All sixteen statistics, each with a number of its own: what is in bytes is (tag + 1) MiB.</summary>
    public static IEnumerable<(string Name, ulong Value)> Sixteen =>
    [
        ("stat-swap-in", 1 << 20), ("stat-swap-out", 2 << 20), ("stat-major-faults", 3), ("stat-minor-faults", 4),
        ("stat-free-memory", 5 << 20), ("stat-total-memory", 60 << 20), ("stat-available-memory", 7 << 20),
        ("stat-disk-caches", 8 << 20), ("stat-htlb-pgalloc", 9), ("stat-htlb-pgfail", 10), ("stat-oom-kills", 11),
        ("stat-alloc-stalls", 12), ("stat-async-scans", 13 << 20), ("stat-direct-scans", 14 << 20),
        ("stat-async-reclaims", 15 << 20), ("stat-direct-reclaims", 16 << 20),
    ];

    public FakeGuest Reporting(int count = 10, long lastUpdate = 1_700_000_000)
    {
        foreach ((string name, ulong value) in Sixteen.Take(count))
            Stats[name] = value.ToString(CultureInfo.InvariantCulture);
        LastUpdate = lastUpdate.ToString(CultureInfo.InvariantCulture);
        return this;
    }

    public string StatsJson
    {
        get
        {
            string stats = string.Join(", ", Stats.Select(stat => $"\"{stat.Key}\": {stat.Value}"));
            return LastUpdate is null ? $"{{\"stats\": {{{stats}}}}}" : $"{{\"stats\": {{{stats}}}, \"last-update\": {LastUpdate}}}";
        }
    }

    /// <summary>The reply without braces and id.</summary>
    public string Answer(FakeCommand command) => command.Name switch
    {
        "qmp_capabilities" => FakeQmp.Return("{}"),
        "query-name" => FakeQmp.Return(Name is null ? "{}" : $$"""{"name": {{FakeQmp.Quote(Name)}}}"""),
        "query-uuid" => FakeQmp.Return($$"""{"UUID": {{FakeQmp.Quote(Uuid)}}}"""),
        "query-status" => FakeQmp.Return(
            $$"""{"status": "{{Status}}", "singlestep": false, "running": {{(Status == "running" ? "true" : "false")}}}"""),
        "query-balloon" => Balloon is null
            ? FakeQmp.Error("DeviceNotActive", "No balloon device has been activated")
            : FakeQmp.Return(string.Create(CultureInfo.InvariantCulture, $$"""{"actual": {{(IsCounting ? NextBytes() : ActualBytes)}}}""")),
        "query-memory-size-summary" => FakeQmp.Return(
            string.Create(CultureInfo.InvariantCulture, $$"""{"base-memory": {{MemoryBytes}}, "plugged-memory": {{Sum(Dimms) + Sum(VirtioMem.Select(device => device.Size))}}}""")),
        "query-memory-devices" => FakeQmp.Return($"[{string.Join(", ", DeviceTexts())}]"),
        "query-cpus-fast" => FakeQmp.Return(
            $"[{string.Join(", ", Enumerable.Range(0, Cpus).Select(cpu => $$"""{"props": {"core-id": 0}, "cpu-index": {{cpu}}, "thread-id": {{FirstThread + cpu}} }"""))}]"),
        "query-hotpluggable-cpus" when CpuSlots is { } slots => FakeQmp.Return(
            $"[{string.Join(", ", Enumerable.Repeat("""{"props": {}, "vcpus-count": 1, "type": "qemu64-x86_64-cpu"}""", slots))}]"),
        "query-blockstats" when BlockStats is not null => FakeQmp.Return(BlockStats),
        "query-block" when Blocks is not null => FakeQmp.Return(Blocks),
        "qom-list" => List(command.Argument("path")),
        "balloon" => Balloon is null
            ? FakeQmp.Error("DeviceNotActive", "No balloon device has been activated")
            : FakeQmp.Return("{}"),
        "qom-get" when command.Argument("path") != Balloon => NotFound(command),
        "qom-get" when command.Argument("property") == "deflate-on-oom" => FakeQmp.Return(OffersDeflate ? "true" : "false"),
        "qom-get" => command.Argument("property") == "guest-stats"
            ? FakeQmp.Return(IsCounting ? $$"""{"stats": {"stat-free-memory": {{NextBytes()}}}, "last-update": 1}""" : StatsJson)
            : FakeQmp.Return(Interval.ToString(CultureInfo.InvariantCulture)),
        "qom-set" when command.Argument("path") != Balloon => NotFound(command),
        "qom-set" => SetInterval(command),
        "x-query-virtio-status" when Balloon is null || command.Argument("path") != VirtioPath => NotFound(command),
        "x-query-virtio-status" => FakeQmp.Return(
            $$"""
            {"status": { "statuses": ["VIRTIO_CONFIG_S_ACKNOWLEDGE: x"{{(IsDriverBound ? ", \"VIRTIO_CONFIG_S_DRIVER_OK: y\"" : "")}}] },
             "guest-features": {"dev-features": [{{(DeflatesOnOom ? "\"VIRTIO_BALLOON_F_DEFLATE_ON_OOM: z\", " : "")}}"VIRTIO_BALLOON_F_STATS_VQ: v"], "transports": []},
             "host-features": {"dev-features": ["VIRTIO_BALLOON_F_DEFLATE_ON_OOM: z", "VIRTIO_BALLOON_F_STATS_VQ: v"]} }
            """),
        "x-query-virtio-queue-status" when StatsQueueIndex is { } index => command.Argument("path") == VirtioPath && command.Argument("queue") == "2"
            ? FakeQmp.Return($$"""{"name": "virtio-balloon", "queue-index": 2, "last-avail-idx": {{index}}, "used-idx": {{index}}}""")
            : NotFound(command),
        _ => FakeQmp.Error("CommandNotFound", $"The command {command.Name} has not been found"),
    };

    private static ulong Sum(IEnumerable<ulong> sizes) => sizes.Aggregate(0ul, (sum, size) => sum + size);

    private IEnumerable<string> DeviceTexts() =>
    [
        .. Dimms.Select(size => string.Create(CultureInfo.InvariantCulture,
            $$$"""{"type": "dimm", "data": {"memdev": "/objects/m", "size": {{{size}}}, "slot": 0, "id": "d"}}""")),
        .. VirtioMem.Select(device => string.Create(CultureInfo.InvariantCulture,
            $$$"""{"data": {"block-size": 2097152, "size": {{{device.Size}}}, "max-size": {{{device.Most}}}, "requested-size": {{{device.Size}}}, "id": "v"}, "type": "virtio-mem"}""")),
    ];

    private ulong NextBytes() => Interlocked.Increment(ref _lastNumber) * 1024;

    private string List(string container)
    {
        string children = Balloon is not null && Balloon.StartsWith(container + "/", StringComparison.Ordinal)
            ? $$""", {"name": {{FakeQmp.Quote(Balloon[(container.Length + 1)..])}}, "type": "{{BalloonType}}"}"""
            : "";
        return FakeQmp.Return($$"""[{"name": "type", "type": "string"}, {"name": "net0", "type": "child<virtio-net-pci>"}{{children}}]""");
    }

    private string SetInterval(FakeCommand command)
    {
        bool wasOff = Interval == 0;
        Interval = long.Parse(command.Argument("value"), CultureInfo.InvariantCulture);
        if (wasOff && Interval > 0)
            Asked?.Invoke();
        return FakeQmp.Return("{}");
    }

    private static string NotFound(FakeCommand command) => FakeQmp.Error("DeviceNotFound", $"Device '{command.Argument("path")}' not found");
}
