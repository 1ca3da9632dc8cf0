using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>A monitor's answer with a guest's report.</summary>
internal readonly record struct MonitorLook(MonitorValues Values) : IReportLook<MonitorLook>
{
    public ulong? ReportedAt => Values.GuestStats.LastUpdate;

    public bool ShowsSameAs(in MonitorLook other) =>
        Values.GuestStats.LastUpdate == other.Values.GuestStats.LastUpdate && Values.GuestStats.Report.IsSameAs(other.Values.GuestStats.Report);

    public bool HasCounterBelow(in MonitorLook earlier) => Values.GuestStats.Report.HasCounterBelow(earlier.Values.GuestStats.Report);
}
