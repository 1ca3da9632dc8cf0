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
        MetadataChangeEvent e => e.Domain,
        _ => null,
    };

    public static string Type(DomainEvent happened) => happened switch
    {
        DomainLifecycleEvent => "lifecycle",
        DomainRebootEvent => "reboot",
        BalloonChangeEvent => "balloon-change",
        MetadataChangeEvent => "metadata-change",
        _ => "",
    };

    /// <summary>What happened; empty where the type says all.</summary>
    public static string Detail(DomainEvent happened) => happened switch
    {
        // As virsh, which has no name for what is newer.
        DomainLifecycleEvent e => $"{(Enum.IsDefined(e.Change) ? e.Change.ToString() : "unknown")} {e.DetailLabel}",
        BalloonChangeEvent e => string.Create(CultureInfo.InvariantCulture, $"{e.ActualKiB}KiB"),
        MetadataChangeEvent e => $"type {MetadataType(e.Type)}, uri {e.NamespaceUri ?? "<null>"}",
        _ => "",
    };

    private static string MetadataType(DomainMetadataType type) => type switch
    {
        DomainMetadataType.Description => "description",
        DomainMetadataType.Title => "title",
        DomainMetadataType.Element => "element",
        _ => "unknown",
    };
}
