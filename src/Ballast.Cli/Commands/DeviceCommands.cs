using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Cli.Xml;

namespace Ballast.Cli.Commands;

/// <summary>The devices that a domain's XML names.</summary>
internal static class DeviceCommands
{
    private static readonly CommandOption Inactive = new("inactive", OptionKind.Flag, "the devices of the definition for the next start");
    private static readonly CommandOption Details = new("details", OptionKind.Flag, "also show the kind of source and of device");

    public static Command Disks { get; } = new("domblklist", "list the disks of a domain")
    {
        Description = "A dash means that the hypervisor does not report the value, or that the drive is empty.\n",
        Options = [DomainArgument.Any, Inactive, Details],
        Execute = ListDisksAsync,
    };

    public static Command Interfaces { get; } = new("domiflist", "list the network interfaces of a domain")
    {
        Description = "A dash means that the hypervisor does not report the value.\n",
        Options = [DomainArgument.Any, Inactive],
        Execute = ListInterfacesAsync,
    };

    private static async ValueTask ListDisksAsync(CommandInvocation invocation)
    {
        bool withDetails = invocation.Arguments.Has(Details);
        TextTable table = withDetails ? new("Type", "Device", "Target", "Source") : new("Target", "Source");
        foreach (XmlItem disk in (await ReadAsync(invocation)).Find("devices", "disk"))
        {
            string type = disk.Attribute("type") ?? "-", target = Of(disk, "target", "dev");
            string source = type == "nvme" ? NvmeSource(disk) : Of(disk, "source", "file", "dev", "dir", "name", "volume", "path");
            table.AddRow(withDetails ? [type, disk.Attribute("device") ?? "-", target, source] : [target, source]);
        }

        table.WriteTo(invocation.Out, withHeader: !invocation.IsQuiet);
    }

    private static async ValueTask ListInterfacesAsync(CommandInvocation invocation)
    {
        TextTable table = new("Interface", "Type", "Source", "Model", "MAC");
        foreach (XmlItem card in (await ReadAsync(invocation)).Find("devices", "interface"))
        {
            table.AddRow(
                Of(card, "target", "dev"), card.Attribute("type") ?? "-", Of(card, "source", "bridge", "dev", "network", "name", "path"),
                Of(card, "model", "type"), Of(card, "mac", "address"));
        }

        table.WriteTo(invocation.Out, withHeader: !invocation.IsQuiet);
    }

    private static async ValueTask<XmlItem> ReadAsync(CommandInvocation invocation)
    {
        DomainXmlFlags flags = invocation.Arguments.Has(Inactive) ? DomainXmlFlags.Inactive : DomainXmlFlags.None;
        return XmlInput.Read(await (await invocation.FindDomainAsync()).GetXmlAsync(flags, invocation.CancellationToken));
    }

    // The first attribute that is named, as the element has them.
    private static string Of(XmlItem device, string element, params string[] names) =>
        device.Find(element).FirstOrDefault()?.Attributes.FirstOrDefault(attribute => names.Contains(attribute.Name))?.OwnValue ?? "-";

    private static string NvmeSource(XmlItem disk)
    {
        return disk.Find("source", "address").FirstOrDefault() is { } address
            ? string.Create(CultureInfo.InvariantCulture, $"nvme://{Part("domain"):x4}:{Part("bus"):x2}:{Part("slot"):x2}.{Part("function"):x}/{Of(disk, "source", "namespace")}")
            : "-";

        uint Part(string name)
        {
            string text = address.Attribute(name) ?? "";
            ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.Ordinal) ? text.AsSpan(2) : text;
            return uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value) ? value : 0;
        }
    }
}
