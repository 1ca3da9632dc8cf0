using System.Globalization;

namespace Ballast.Drivers.Test;

/// <summary>Reads a domain's XML. What is looked at first is libvirt's order, which shows in the error of an XML with several.</summary>
internal static class TestDefinitionXml
{
    private const string DefaultBoot = "hd";

    // Of a file, which a domain's name becomes. One message has the names of all domains, and an event has its domain's.
    private const int MostOfName = 255;

    private static readonly HashSet<string> Types =
    [
        "qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve", "vz", "hvf",
    ];

    private static readonly HashSet<string> OSTypes = ["hvm", "xen", "linux", "exe", "uml", "xenpvh"];

    private static readonly HashSet<string> Architectures =
    [
        "alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "itanium", "lm32", "loongarch64", "m68k", "microblaze",
        "microblazeel", "mips", "mipsel", "mips64", "mips64el", "parisc", "parisc64", "ppc", "ppc64", "ppc64le", "ppcemb", "riscv32", "riscv64",
        "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "unicore32", "x86_64", "xtensa", "xtensaeb",
    ];

    private static readonly HashSet<string> Boots = ["fd", "hd", "cdrom", "network"];
    private static readonly HashSet<string> Offsets = ["utc", "localtime", "variable", "timezone", "absolute"];

    private static readonly (string Name, string Default)[] Actions =
        [("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")];

    private static readonly HashSet<string> PowerActions = ["destroy", "restart", "rename-restart", "preserve"];
    private static readonly HashSet<string> CrashActions = [.. PowerActions, "coredump-destroy", "coredump-restart"];

    // What a definition has as values of its own.
    private static readonly HashSet<string> Known =
    [
        "name", "uuid", "title", "description", "metadata", "maxMemory", "memory", "currentMemory", "vcpu", "os", "features", "clock", "devices",
        .. Actions.Select(action => action.Name),
    ];

    /// <exception cref="LibvirtException">It is no domain's XML, or one that cannot be.</exception>
    public static TestDefinition Read(string xml) =>
        Read(XmlReading.Read(xml, "(domain_definition)", ErrorOrigin.Domain).RequireRoot("domain")) with { XmlLength = xml.Length };

    /// <exception cref="LibvirtException">It is one that cannot be.</exception>
    public static TestDefinition Read(XmlElement domain)
    {
        string name = Name(domain);
        Guid uuid = Uuid(domain);
        string type = DomainType(domain);
        XmlElement os = OS(domain, type);
        string? title = domain.TextOf("title");
        if (title?.Contains('\n', StringComparison.Ordinal) == true)
            throw XmlError("Domain title can't contain newlines");
        (ulong maximum, ulong current, ulong pluggable, uint slots) = Memory(domain);
        XmlElement? vcpu = domain.Child("vcpu");
        (int maxVcpus, int vcpus) = TestQuantity.VirtualCpus(vcpu);
        TestCpuList.Check(domain);
        TestDevices devices = TestDevices.Read(domain.Child("devices"));
        XmlElement[] actions = [.. Actions.Select(action => Action(domain, action.Name, action.Default))];
        CheckMemory(maximum, pluggable, slots);
        if (name.Contains('\n', StringComparison.Ordinal))
            throw LibvirtError.Plain(ErrorCode.XmlDetail, ErrorOrigin.Xml, $"invalid char in name: \n");

        return new TestDefinition
        {
            Name = name,
            Uuid = uuid,
            Type = type,
            MaxMemoryKiB = maximum,
            MemoryKiB = current,
            PluggableKiB = pluggable > 0 ? pluggable : null,
            MaxVcpus = maxVcpus,
            Vcpus = vcpus,
            Title = title,
            Description = domain.TextOf("description"),
            Metadata = TestMetadata.Read(domain.Child("metadata")),
            OnReboot = actions[1].Value,
            HasBalloon = devices.HasBalloon,
            PeriodSeconds = devices.PeriodSeconds,
            Elements = TestLayout.InOrder(
            [
                .. domain.Elements.Where(element => !Known.Contains(element.Name)), .. Pluggable(pluggable, slots),
                os, .. Features(domain), Clock(domain), .. actions, devices.Element,
                new XmlElement("vcpu").With("placement", vcpu?["placement"] ?? "static").With("cpuset", vcpu?["cpuset"]),
            ]),
        };
    }

    private static string Name(XmlElement domain)
    {
        if (domain.TextOf("name") is not { } name)
            throw LibvirtError.Message(ErrorCode.NoName, ErrorOrigin.Domain, "missing name information");
        RefuseName(name, ErrorOrigin.Domain);
        return name;
    }

    /// <exception cref="LibvirtException">A domain cannot have that name.</exception>
    public static void RefuseName(string name, ErrorOrigin origin)
    {
        if (name.Length > MostOfName)
            throw LibvirtError.Report(ErrorCode.XmlError, origin, $"name '{DisplayText.Escape(name[..MostOfName])}…' has more than {MostOfName} characters");
        if (name.Contains('/', StringComparison.Ordinal))
            throw LibvirtError.Report(ErrorCode.XmlError, origin, $"name {DisplayText.Escape(name)} cannot contain '/'");
    }

    private static Guid Uuid(XmlElement domain)
    {
        if (domain.TextOf("uuid") is not { } text)
            return Guid.NewGuid();
        string digits = text.Replace("-", "", StringComparison.Ordinal).Trim();
        return Guid.TryParseExact(digits, "N", out Guid uuid)
            ? uuid
            : throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Domain, "malformed uuid element");
    }

    private static string DomainType(XmlElement domain)
    {
        if (domain["type"] is not { } type)
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Domain, "missing domain type attribute");
        return Types.Contains(type) ? type : throw Unsupported($"invalid domain type {DisplayText.Escape(type)}");
    }

    private static XmlElement OS(XmlElement domain, string domainType)
    {
        XmlElement? given = domain.Child("os");
        if (given?.TextOf("type") is not { } type)
            throw XmlError("an os <type> must be specified");
        if (!OSTypes.Contains(type))
            throw Unsupported($"unknown OS type '{DisplayText.Escape(type)}'");
        string architecture = given.Child("type")!["arch"] ?? TestXml.Architecture;
        if (!Architectures.Contains(architecture))
            throw Unsupported($"Unknown architecture {DisplayText.Escape(architecture)}");
        foreach (XmlElement boot in given.Children("boot"))
        {
            if (boot["dev"] is var device && !Boots.Contains(device ?? ""))
            {
                throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml, device is null
                    ? "Missing required attribute 'dev' in element 'boot'"
                    : $"Invalid value for attribute 'dev' in element 'boot': '{DisplayText.Escape(device)}'.");
            }
        }

        XmlElement os = given.Copy(), kind = os.Child("type")!;
        os.Remove(kind);
        _ = os.With(XmlElement.WithText("type", type == "xen" && domainType == "xen" ? "linux" : type)
            .With("arch", architecture).With("machine", kind["machine"]));
        return type == "hvm" && os.Child("boot") is null ? os.With(new XmlElement("boot").With("dev", DefaultBoot)) : os;
    }

    private static (ulong Maximum, ulong Current, ulong Pluggable, uint Slots) Memory(XmlElement domain)
    {
        ulong maximum = TestQuantity.Memory(domain, "memory") ?? 0;
        ulong current = TestQuantity.Memory(domain, "currentMemory") ?? 0;
        XmlElement? plugged = domain.Child("maxMemory");
        ulong pluggable = plugged?.Value.Length > 0 ? TestQuantity.Memory(domain, "maxMemory") ?? 0 : 0;
        uint slots = 0;
        return plugged?["slots"] is { } text && !uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out slots)
            ? throw XmlError("Failed to parse memory slot count")
            : (maximum, current == 0 || current > maximum ? maximum : current, pluggable, slots);
    }

    private static XmlElement[] Pluggable(ulong kib, uint slots) => kib == 0
        ? []
        : [XmlElement.WithText("maxMemory", QuantityText(kib)).With("slots", QuantityText(slots)).With("unit", "KiB")];

    private static string QuantityText(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    // libvirt looks at these when all has been read.
    private static void CheckMemory(ulong maximum, ulong pluggable, uint slots)
    {
        if (maximum == 0)
            throw XmlError("Memory size must be specified via <memory> or in the <numa> configuration");
        if ((pluggable > 0) != (slots > 0))
            throw XmlError("both maximum memory size and memory slot count must be specified");
        if (pluggable > 0 && pluggable < maximum)
            throw XmlError("maximum memory size must be equal or greater than the actual memory size");
    }

    private static XmlElement Action(XmlElement domain, string name, string byDefault)
    {
        string action = domain.TextOf(name) ?? byDefault;
        return (name == "on_crash" ? CrashActions : PowerActions).Contains(action)
            ? XmlElement.WithText(name, action)
            : throw Unsupported($"unknown {name} action: {DisplayText.Escape(action)}");
    }

    private static XmlElement Clock(XmlElement domain)
    {
        XmlElement clock = domain.Child("clock")?.Copy() ?? new XmlElement("clock");
        string offset = clock["offset"] ?? "utc";
        if (!Offsets.Contains(offset))
            throw Unsupported($"unknown clock offset '{DisplayText.Escape(offset)}'");
        return clock.With("offset", offset);
    }

    private static IEnumerable<XmlElement> Features(XmlElement domain)
    {
        XmlElement? features = domain.Child("features");
        if (features?.Elements.FirstOrDefault(feature => !TestLayout.IsFeature(feature)) is { } unknown)
            throw Unsupported($"unexpected feature '{DisplayText.Escape(unknown.Name)}'");
        return features?.Elements.Any() == true ? [features] : [];
    }

    private static LibvirtException XmlError(string detail) => LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Domain, detail);

    private static LibvirtException Unsupported(string detail) =>
        LibvirtError.Report(ErrorCode.ConfigurationUnsupported, ErrorOrigin.Domain, detail);
}
