using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// The commands as they go out: the fewest bytes that do the work, because QEMU reads its monitor one byte per system
/// call. Hence no <c>id</c>, no space and no line end, but always the absolute path, which spares QEMU a search of its tree.
/// </summary>
internal static class QmpCommands
{
    public const string PeripheralPath = "/machine/peripheral";
    public const string AnonymousPath = "/machine/peripheral-anon";

    // KVM's names.
    public const string HaltPollSuccess = "halt_poll_success_ns", HaltPollFail = "halt_poll_fail_ns";

    // virtio's number of the statistics queue.
    private const int StatsQueue = 2;

    private static readonly MonitorParts[] AllParts = Enum.GetValues<MonitorParts>()[1..];

    /// <summary>The questions of one query in one piece, in the order in which their replies come.</summary>
    public static byte[] Query(MonitorParts parts, BalloonDevice? balloon)
    {
        StringBuilder text = new();
        foreach (MonitorParts part in AllParts)
        {
            if ((parts & part) != 0)
                text.Append(Question(part, balloon));
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    public static byte[] Balloon(ulong bytes) =>
        Bytes(string.Create(CultureInfo.InvariantCulture, $$$"""{"execute":"balloon","arguments":{"value":{{{bytes}}}}}"""));

    public static byte[] SetPollingInterval(BalloonDevice balloon, int seconds) =>
        Bytes(string.Create(CultureInfo.InvariantCulture,
            $$$"""{"execute":"qom-set","arguments":{"path":{{{Quote(balloon.Path)}}},"property":"guest-stats-polling-interval","value":{{{seconds}}}}}"""));

    /// <summary>A command without arguments.</summary>
    public static byte[] Execute(string command) => Bytes($$"""{"execute":"{{command}}"}""");

    public static byte[] GetProperty(string path, string property) =>
        Bytes($$$"""{"execute":"qom-get","arguments":{"path":{{{Quote(path)}}},"property":{{{Quote(property)}}}}}""");

    public static byte[] List(string path) =>
        Bytes($$$"""{"execute":"qom-list","arguments":{"path":{{{Quote(path)}}}}}""");

    public static byte[] HaltPolling() => Bytes(
        $$$"""{"execute":"query-stats","arguments":{"target":"vcpu","providers":[{"provider":"kvm","names":["{{{HaltPollSuccess}}}","{{{HaltPollFail}}}"]}]}}""");

    public static byte[] StartDirtyRate(int seconds, DirtyRateMode mode) => Bytes(string.Create(CultureInfo.InvariantCulture,
        $$$"""{"execute":"calc-dirty-rate","arguments":{"calc-time":{{{seconds}}},"mode":"{{{Name(mode)}}}"}}"""));

    /// <summary>QEMU's name of it.</summary>
    public static string Name(DirtyRateMode mode) => mode switch
    {
        DirtyRateMode.DirtyBitmap => "dirty-bitmap",
        DirtyRateMode.DirtyRing => "dirty-ring",
        _ => "page-sampling",
    };

    /// <summary>A question whose reply carries a mark, to find the place in the stream where we are again.</summary>
    public static byte[] Synchronise(long mark) =>
        Bytes(string.Create(CultureInfo.InvariantCulture, $$"""{"execute":"query-status","id":{{mark}}}"""));

    private static string Question(MonitorParts part, BalloonDevice? balloon) => part switch
    {
        MonitorParts.GuestStats => GetProperty(balloon!, "guest-stats"),
        MonitorParts.Balloon => """{"execute":"query-balloon"}""",
        MonitorParts.PollingInterval => GetProperty(balloon!, "guest-stats-polling-interval"),
        MonitorParts.Status => """{"execute":"query-status"}""",
        MonitorParts.Cpus => """{"execute":"query-cpus-fast"}""",
        MonitorParts.CpuSlots => """{"execute":"query-hotpluggable-cpus"}""",
        MonitorParts.MemoryDevices => """{"execute":"query-memory-devices"}""",
        MonitorParts.MemorySize => """{"execute":"query-memory-size-summary"}""",
        MonitorParts.VirtioStatus =>
            $$$"""{"execute":"x-query-virtio-status","arguments":{"path":{{{Quote(balloon!.VirtioPath)}}}}}""",
        MonitorParts.OffersDeflate => GetProperty(balloon!, "deflate-on-oom"),
        MonitorParts.StatsQueue => string.Create(CultureInfo.InvariantCulture,
            $$$"""{"execute":"x-query-virtio-queue-status","arguments":{"path":{{{Quote(balloon!.VirtioPath)}}},"queue":{{{StatsQueue}}}}}"""),
        _ => throw new ArgumentOutOfRangeException(nameof(part)),
    };

    private static string GetProperty(BalloonDevice balloon, string property) =>
        $$$"""{"execute":"qom-get","arguments":{"path":{{{Quote(balloon.Path)}}},"property":"{{{property}}}"}}""";

    // Nearly all are as they are: to make the encoder takes as long as a call of a short command.
    private static string Quote(string text) =>
        text.AsSpan().ContainsAnyExceptInRange(' ', '~') || text.AsSpan().ContainsAny('"', '\\') ? $"\"{JsonEncodedText.Encode(text)}\"" : $"\"{text}\"";

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

/// <summary>A balloon in QEMU's object tree.</summary>
/// <param name="Path">The device's path; it has the statistics' properties, its own or its backend's.</param>
/// <param name="VirtioPath">The path of the virtio device itself.</param>
internal sealed record BalloonDevice(string Path, string VirtioPath)
{
    public const MonitorParts Parts =
        MonitorParts.GuestStats | MonitorParts.PollingInterval | MonitorParts.VirtioStatus | MonitorParts.StatsQueue
        | MonitorParts.OffersDeflate;

    public static BalloonDevice In(string container, string name, bool isProxied)
    {
        string path = $"{container}/{name}";
        return new BalloonDevice(path, isProxied ? path + "/virtio-backend" : path);
    }
}
