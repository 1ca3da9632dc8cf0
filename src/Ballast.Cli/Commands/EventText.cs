using System.Globalization;

namespace Ballast.Cli.Commands;

/// <summary>virsh's words for events.</summary>
internal static class EventText
{
    public static Domain? DomainOf(DomainEvent happened) => happened switch
    {
        DomainLifecycleEvent e => e.Domain,
        DomainRebootEvent e => e.Domain,
        BalloonChangeEvent e => e.Domain,
        _ => null,
    };

    public static string Type(DomainEvent happened) => happened switch
    {
        DomainLifecycleEvent => "lifecycle",
        DomainRebootEvent => "reboot",
        BalloonChangeEvent => "balloon-change",
        _ => "",
    };

    /// <summary>What happened; empty where the type says all.</summary>
    public static string Detail(DomainEvent happened) => happened switch
    {
        // As virsh, which has no name for what is newer.
        DomainLifecycleEvent e => $"{(Enum.IsDefined(e.Change) ? e.Change.ToString() : "unknown")} {e.DetailLabel}",
        BalloonChangeEvent e => string.Create(CultureInfo.InvariantCulture, $"{e.ActualKiB}KiB"),
        _ => "",
    };
}
