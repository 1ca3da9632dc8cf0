using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using System.Xml.XPath;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A guest's description that libvirtd wrote and ours, made from its QEMU alone, say the same.</summary>
[Trait("needs", "qemu")]
// A newer libvirt and QEMU add devices of their own.
[Trait("oracle", "libvirt 9.0")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
public sealed class DomainXmlComparisonTests(ITestOutputHelper output)
{
    private const int FewestGuests = 20, MostKinds = 10;

    /// <summary>What is compared: elements, and of each of them these values.</summary>
    private static readonly (string Elements, string[] Values)[] Compared =
    [
        (".", ["@type", "boolean(@id)", "name", "uuid", "genid", "iothreads", "maxMemory", "maxMemory/@slots", "maxMemory/@unit", "memory", "memory/@unit", "currentMemory", "vcpu", "vcpu/@placement", "vcpu/@current"]),
        ("memoryBacking/*", ["name()", "@type", "@mode"]),
        ("numatune/*", ["name()", "@mode", "@nodeset", "@cellid"]),
        ("os/type", [".", "@arch", "@machine"]),
        ("os/loader", [".", "@type"]),
        ("os", ["kernel", "initrd", "cmdline", "bootmenu/@enable", "bootmenu/@timeout", "smbios/@mode"]),
        ("sysinfo/*/entry", ["name(..)", "@name", "."]),
        ("os/boot", ["@dev"]),
        ("features/*", ["name()", "@state", "@mode", "@driver"]),
        ("features/*/*", ["name(..)", "name()", "@state", "@retries", "@value"]),
        ("cpu", ["@mode", "@match", "@check", "@migratable", "model", "model/@fallback"]),
        ("cpu/topology", ["@sockets", "@dies", "@cores", "@threads"]),
        ("cpu/feature", ["@policy", "@name"]),
        ("cpu/numa/cell", ["@id", "@cpus", "@memory", "@unit", "@memAccess"]),
        ("cpu/numa/cell/distances/sibling", ["../../@id", "@id", "@value"]),
        ("clock", ["@offset", "@start", "@adjustment", "@basis", "@timezone"]),
        ("clock/timer", ["@name", "@tickpolicy", "@present"]),
        (".", ["on_poweroff", "on_reboot", "on_crash"]),
        ("pm/*", ["name()", "@enabled"]),
        ("devices", ["emulator"]),
        ("devices/disk", ["@type", "@device", "driver/@name", "driver/@type", "driver/@cache", "driver/@error_policy", "driver/@rerror_policy", "driver/@io", "driver/@discard", "driver/@iothread", "driver/@detect_zeroes", "source/@file", "target/@dev", "target/@bus", "boolean(readonly)", "boolean(shareable)", "serial", "wwn", "vendor", "product", "alias/@name"]),
        ("devices/controller", ["@type", "@index", "@model", "model/@name", "target/@chassis", "target/@port", "alias/@name"]),
        ("devices/filesystem", ["@type", "@accessmode", "@fmode", "@dmode", "source/@dir", "target/@dir", "boolean(readonly)", "alias/@name"]),
        ("devices/interface", ["@type", "mac/@address", "source/@address", "source/@port", "source/local/@address", "source/local/@port", "model/@type", "driver/@rx_queue_size", "mtu/@size", "alias/@name"]),
        ("devices/smartcard", ["@mode", "@type", "source/@mode", "source/@path", "alias/@name"]),
        ("devices/serial", ["@type", "source/@path", "source/@mode", "target/@type", "target/@port", "target/model/@name", "alias/@name"]),
        ("devices/parallel", ["@type", "target/@port", "alias/@name"]),
        ("devices/console", ["@type", "@tty", "source/@path", "target/@type", "target/@port", "alias/@name"]),
        ("devices/channel", ["@type", "source/@mode", "source/@path", "target/@type", "target/@name", "alias/@name"]),
        ("devices/input", ["@type", "@bus"]),
        ("devices/graphics", ["@type", "@port", "@listen", "@socket", "listen/@type", "listen/@address", "listen/@socket"]),
        ("devices/sound", ["@model", "codec/@type", "alias/@name"]),
        ("devices/audio", ["@id", "@type"]),
        ("devices/video", ["model/@type", "model/@ram", "model/@vram", "model/@vgamem", "model/@heads", "model/@primary", "alias/@name"]),
        ("devices/redirdev", ["@bus", "@type", "source/@mode", "source/@host", "source/@service", "source/@path", "alias/@name"]),
        ("devices/hub", ["@type", "alias/@name"]),
        ("devices/watchdog", ["@model", "@action", "alias/@name"]),
        ("devices/memballoon", ["@model", "@autodeflate", "@freePageReporting", "stats/@period", "alias/@name"]),
        ("devices/rng", ["@model", "rate/@bytes", "rate/@period", "backend", "backend/@model", "backend/@type", "backend/source/@mode", "backend/source/@path", "alias/@name"]),
        ("devices/panic", ["@model"]),
        ("devices/shmem", ["@name", "model/@type", "size", "size/@unit", "alias/@name"]),
        ("devices/iommu", ["@model", "driver/@intremap", "driver/@caching_mode", "driver/@eim", "driver/@iotlb", "alias/@name"]),
        ("devices/memory", ["@model", "@access", "@discard", "source/path", "target/size", "target/size/@unit", "target/node", "target/block", "target/requested", "target/current", "alias/@name", "address[@type='dimm']/@slot", "address[@type='dimm']/@base"]),
    ];

    /// <summary>What stays different, each as a pattern of the line that tells of it, and why.</summary>
    private static readonly (string Pattern, string Reason)[] Differences =
    [
        (@"^\w+( --\w+)? cpu/feature: (@policy=require, @name=(hypervisor|lahf_lm)( \| )?)+ <> $", "libvirt adds what it finds in the running processor; QEMU was not told to."),
        (@"^disks( --\w+)? features/\*: name\(\)=apic \| name\(\)=pae <> $", "There is no option of QEMU's for them."),
        (@"^firmware( --\w+)? \.: .*, on_reboot=destroy, on_crash=preserve <> .*, on_reboot=restart, on_crash=destroy$", "libvirt does it when QEMU tells it of the event."),
        (@"^variable( --\w+)? clock: @offset=variable, .* <> @offset=absolute, @start=\d+$", "QEMU is told the time at which its clock starts, whatever it was made of."),
        (@"^timers( --\w+)? clock: @offset=timezone, .* <> @offset=localtime$", "The time zone is in QEMU's environment."),
        (@"^discard( --\w+)? memoryBacking/\*: name\(\)=discard <> $", "Memory without a file has nothing to discard, so QEMU is not told."),
        (@"^ordered( --\w+)? os/boot:  <> @dev=hd \| @dev=network$", "QEMU has one order, which libvirt takes from kinds or from single devices."),
        (@"^ports( --\w+)? devices/(serial|console): @type=file, source/@path=\S+, .* <> .*@type=file, target", "libvirt opens the file and hands it over."),
        (@"^screen --\w+ devices/graphics: .*port=-1|^ports --migratable devices/channel: @type=unix, target", "Ports and paths that libvirt chose itself it leaves out; QEMU is not told who chose."),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Our_description_is_libvirts()
    {
        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("firmware"));
        File.Copy((await LinuxGuestImage.GetAsync(Token)).Kernel, directory.File("kernel"));
        (string Name, string Monitor, string Xml)[] guests = [.. ComparedGuests.In(directory.Path)];
        Assert.True(guests.Length >= FewestGuests);
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(Token);
        List<string> differences = [];
        foreach ((string name, string monitor, string xml) in guests)
        {
            foreach (Match file in Regex.Matches(xml, "file='([^']*)'|<path>([^<]*)<"))
                await MakeImageAsync(file.Groups[1].Value + file.Groups[2].Value);
            await libvirtd.CreatePausedDomainAsync(xml, Token);
            await using Connection connection = await Connection.OpenAsync(
                $"qmp://{monitor}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
            Domain domain = await connection.LookupByNameAsync(name, Token);
            foreach ((string option, DomainXmlFlags flags) in ((string, DomainXmlFlags)[])
                [("", DomainXmlFlags.None), (" --inactive", DomainXmlFlags.Inactive), (" --migratable", DomainXmlFlags.Migratable)])
            {
                XElement theirs = XElement.Parse((await libvirtd.VirshAsync(["dumpxml", name, .. option.Split(' ', StringSplitOptions.RemoveEmptyEntries)], Token)).Output);
                string text = await domain.GetXmlAsync(flags, Token);
                if (Environment.GetEnvironmentVariable("BALLAST_SHOW_XML") is not null)
                    output.WriteLine(text);
                XElement ours = XElement.Parse(text);
                Assert.Equal(Order(theirs, ours), Order(ours, theirs));
                differences.AddRange(Compare(name + option, theirs, ours));
            }

            Assert.Equal("", (await libvirtd.VirshAsync(["destroy", name], Token)).Errors);
        }

        string[] unknown = [.. differences.Where(line => !Differences.Any(known => Regex.IsMatch(line, known.Pattern)))];
        Assert.True(unknown.Length == 0, string.Join('\n', unknown));
        Assert.InRange(Differences.Length, 0, MostKinds);

        // What is equal by now is no difference any more.
        Assert.All(Differences, known => Assert.Contains(differences, line => Regex.IsMatch(line, known.Pattern)));
    }

    private static async Task MakeImageAsync(string path)
    {
        const int size = 16 * 1024 * 1024;
        string bottom = path.EndsWith(".qcow2", StringComparison.Ordinal) ? $"{path}.base" : path;
        await using (FileStream image = File.Create(bottom))
            image.SetLength(size);
        if (bottom != path)
            Assert.Equal(0, (await ChildProcess.RunAsync("qemu-img", ["create", "-f", "qcow2", "-b", bottom, "-F", "raw", path], cancellationToken: Token)).ExitCode);
    }

    // The children that both have come in the same order.
    private static IEnumerable<string> Order(XElement of, XElement with) =>
        of.Elements().Select(element => element.Name.LocalName).Distinct().Where(name => with.Element(name) is not null);

    private static IEnumerable<string> Compare(string guest, XElement theirs, XElement ours)
    {
        foreach ((string elements, string[] values) in Compared)
        {
            List<string> left = Describe(theirs, elements, values), right = Describe(ours, elements, values);
            foreach (string both in left.ToArray())
            {
                if (right.Remove(both))
                    left.Remove(both);
            }

            if (left.Count + right.Count > 0)
                yield return $"{guest} {elements}: {string.Join(" | ", left)} <> {string.Join(" | ", right)}";
        }
    }

    private static List<string> Describe(XElement root, string elements, string[] values) =>
        [.. root.XPathSelectElements(elements).Select(element => string.Join(", ", values.Select(value => (value, Text: Evaluate(element, value)))
            .Where(one => one.Text.Length > 0).Select(one => $"{one.value}={one.Text}"))).Order(StringComparer.Ordinal)];

    private static string Evaluate(XElement element, string path) => element.XPathEvaluate(path) switch
    {
        IEnumerable found and not string => string.Join(' ', found.Cast<XObject>().Select(one => one is XAttribute attribute ? attribute.Value : ((XElement)one).Value)),
        var value => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
