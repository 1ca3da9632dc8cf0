using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>How the machine boots, its clock, and what happens when its guest ends.</summary>
internal static class SystemXml
{
    // What libvirt calls each of its monitors.
    private const string LibvirtChardev = "charmonitor";

    public static void AddBoot(XmlText xml, QemuXml guest)
    {
        xml.Open("os");
        xml.Element("type", "hvm", ("arch", guest.Machine?.Architecture), ("machine", guest.Machine?.MachineType));
        if (guest.Options is { } options)
        {
            AddFirmware(xml, options);
            foreach ((string element, string member) in ((string, string)[])[("kernel", "kernel"), ("initrd", "initrd"), ("cmdline", "append"), ("dtb", "dtb")])
            {
                if (options.Machine[member] is { Length: > 0 } said)
                    xml.Element(element, said);
            }

            foreach (string device in BootDevices(guest, options))
                xml.Element("boot", null, ("dev", device));
            if (options.Boot.Switch("menu") is { } hasMenu)
                xml.Element("bootmenu", null, ("enable", hasMenu ? "yes" : "no"), ("timeout", hasMenu ? OptionNumber.Decimal(options.Boot["splash-time"]) : null));
            if (SystemInformationXml.IsTold(options))
                xml.Element("smbios", null, ("mode", "sysinfo"));
        }

        xml.Close();
    }

    public static void AddClock(XmlText xml, MachineOptions options)
    {
        (string Name, string Attribute, string Value)[] timers = [.. Timers(options)];
        (string, string?)[] attributes = options.Clock["base"] switch
        {
            null or "utc" => [("offset", "utc")],
            "localtime" => [("offset", "localtime")],
            var start when DateTime.TryParseExact(start, ["yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd"], CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime time) =>
                [("offset", "absolute"), ("start", Number(new DateTimeOffset(time).ToUnixTimeSeconds()))],
            _ => [("offset", "utc")],
        };
        if (timers.Length == 0)
        {
            xml.Element("clock", null, attributes);
            return;
        }

        xml.Open("clock", attributes);
        foreach ((string name, string attribute, string value) in timers)
            xml.Element("timer", null, ("name", name), (attribute, value));
        xml.Close();
    }

    public static void AddEnds(XmlText xml, MachineOptions options)
    {
        // libvirt lets each of its QEMUs wait when its guest has shut down, and then ends it.
        bool stays = options.Actions["shutdown"] == "pause" && !options.Chardevs.ContainsKey(LibvirtChardev);
        xml.Element("on_poweroff", stays ? "preserve" : "destroy");
        xml.Element("on_reboot", options.Actions["reboot"] == "shutdown" ? "destroy" : "restart");
        xml.Element("on_crash", options.Actions["panic"] == "pause" ? "preserve" : "destroy");
    }

    public static void AddPower(XmlText xml, MachineOptions options)
    {
        string? toMemory = Disabled(options, "disable_s3"), toDisk = Disabled(options, "disable_s4");
        if (toMemory is null && toDisk is null)
            return;
        xml.Open("pm");
        if (toMemory is not null)
            xml.Element("suspend-to-mem", null, ("enabled", toMemory));
        if (toDisk is not null)
            xml.Element("suspend-to-disk", null, ("enabled", toDisk));
        xml.Close();
    }

    private static string? Disabled(MachineOptions options, string property) =>
        (options.Globals.GetValueOrDefault($"ICH9-LPC.{property}") ?? options.Globals.GetValueOrDefault($"PIIX4_PM.{property}")) switch
        {
            "1" => "no",
            "0" => "yes",
            _ => null,
        };

    private static IEnumerable<(string Name, string Attribute, string Value)> Timers(MachineOptions options)
    {
        if (options.Clock["driftfix"] == "slew")
            yield return ("rtc", "tickpolicy", "catchup");
        if (options.Globals.GetValueOrDefault("kvm-pit.lost_tick_policy") is ("delay" or "discard") and var policy)
            yield return ("pit", "tickpolicy", policy);
        if (options.Machine.Switch("hpet") is { } hasHpet)
            yield return ("hpet", "present", hasHpet ? "yes" : "no");
    }

    private static void AddFirmware(XmlText xml, MachineOptions options)
    {
        if (options.Machine["firmware"] is { Length: > 0 } firmware)
            xml.Element("loader", firmware, ("type", "rom"));
        const int most = 2;
        for (int i = 0; i < most; i++)
        {
            if (Flash(options, i) is not (var path, var isReadOnly))
                continue;
            if (i == 0)
                xml.Element("loader", path, ("readonly", isReadOnly ? "yes" : null), ("type", "pflash"));
            else
                xml.Element("nvram", path);
        }
    }

    // A node, which may lie upon another one that has the file; or a drive.
    private static (string Path, bool IsReadOnly)? Flash(MachineOptions options, int unit)
    {
        string number = Number(unit)!;
        if (options.Machine[$"pflash{number}"] is { } name && options.BlockNodes.GetValueOrDefault(name) is { } node)
        {
            string? path = node["filename"] ?? (node["file"] is { } below ? options.BlockNodes.GetValueOrDefault(below)?["filename"] : null);
            return path is null ? null : (path, node.Switch("read-only") == true);
        }

        OptionMembers? drive = options.Flash.FirstOrDefault(one => one["unit"] == number)
            ?? options.Flash.Where(one => one["unit"] is null).ElementAtOrDefault(unit);
        return drive?["file"] is { } file ? (file, (drive.Switch("readonly") ?? drive.Switch("read-only")) == true) : null;
    }

    // By the devices' own order, else by -boot's letters; QEMU itself begins with the hard disk.
    private static IEnumerable<string> BootDevices(QemuXml guest, MachineOptions options)
    {
        string[] ordered =
        [
            .. guest.Devices.Select(device => (Order: OptionNumber.Parse(device["bootindex"]) is <= int.MaxValue and var order ? (int)order : -1, device.Model))
                .Where(device => device.Order >= 0).OrderBy(device => device.Order).Select(device => Kind(device.Model)),
        ];
        if (ordered.Length == 0)
            ordered = [.. (options.Boot["order"] ?? "").Select(letter => letter switch { 'a' or 'b' => "fd", 'c' => "hd", 'd' => "cdrom", 'n' or 'o' or 'p' => "network", _ => "" }).Where(kind => kind.Length > 0)];
        return ordered.Length == 0 ? ["hd"] : ordered.Distinct();
    }

    private static string Kind(string model) =>
        model.EndsWith("-cd", StringComparison.Ordinal) ? "cdrom"
        : model == "floppy" ? "fd"
        : DevicesXml.IsDisk(model) ? "hd" : "network";
}
