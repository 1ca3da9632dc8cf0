using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace Ballast.Drivers.Test;

/// <summary>
/// A file that describes a simulated host and its domains, in the format of libvirt's test driver. Networks, storage,
/// interfaces and devices of the host are not looked at.
/// </summary>
internal static class TestFile
{
    private const long MaxBytes = 16 * 1024 * 1024;

    private static readonly XNamespace Extension = "http://libvirt.org/schemas/domain/test/1.0";

    /// <exception cref="LibvirtException">The file cannot be read, or does not describe a host.</exception>
    public static async ValueTask<TestWorld> ReadAsync(string path, CancellationToken cancellationToken)
    {
        XElement root = (await LoadAsync(path, cancellationToken).ConfigureAwait(false)).RequireRoot("node");
        if (root.Element("auth") is not null)
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Authentication, "Missing authentication credentials");
        TestWorld world = new(ReadNode(root));
        foreach (XElement domain in root.Elements("domain"))
        {
            XElement described = domain;
            if ((string?)domain.Attribute("file") is { } file)
            {
                // Relative to the file that names it.
                string named = Path.Combine(Path.GetDirectoryName(path) ?? "/", file);
                described = (await LoadAsync(named, cancellationToken).ConfigureAwait(false)).RequireRoot("domain");
            }

            AddDomain(world, described);
        }

        return world;
    }

    private static async ValueTask<XElement> LoadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            FileInfo file = new(path);
            if (file.Exists && file.Length > MaxBytes)
                throw Bad($"'{DisplayText.Escape(path)}' has more than {MaxBytes >> 20} MiB");
            string text = await File.ReadAllTextAsync(path, Encoding.UTF8, cancellationToken).ConfigureAwait(false);
            return TestXmlInput.Parse(text, DisplayText.Escape(path), ErrorOrigin.Test);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Bad($"failed to parse xml document '{DisplayText.Escape(path)}'", e);
        }
    }

    private static TestNode ReadNode(XElement root)
    {
        TestNode byDefault = new();
        XElement? cpu = root.Element("cpu");
        return new TestNode
        {
            Model = cpu?.Text("model") ?? byDefault.Model,
            ActiveCpus = Number("active") ?? byDefault.ActiveCpus,
            MHz = Number("mhz") ?? byDefault.MHz,
            Nodes = Number("nodes") ?? byDefault.Nodes,
            Sockets = Number("sockets") ?? byDefault.Sockets,
            Cores = Number("cores") ?? byDefault.Cores,
            Threads = Number("threads") ?? byDefault.Threads,
            MemoryKiB = root.Text("memory") is not { } memory ? byDefault.MemoryKiB
                : ulong.TryParse(memory, NumberStyles.None, CultureInfo.InvariantCulture, out ulong kib) ? kib
                : throw Bad("invalid node memory value"),
        };

        int? Number(string name) => cpu?.Text(name) is not { } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
            : throw Bad($"invalid node cpu {name} value");
    }

    /// <summary>A domain runs, unless the file says something else.</summary>
    private static void AddDomain(TestWorld world, XElement described)
    {
        TestDefinition definition = TestDefinitionXml.Read(described);
        DomainState state = DomainState.Running;
        if (described.Element(Extension + "runstate") is { } runState)
        {
            state = int.TryParse(runState.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= (int)DomainState.PMSuspended
                ? (DomainState)number
                : throw Bad($"runstate '{DisplayText.Escape(runState.Value)}' out of range'");
        }

        bool isTransient = described.Element(Extension + "transient") is not null;
        bool hasManagedSave = described.Element(Extension + "hasmanagedsave") is not null;
        if (isTransient && state == DomainState.Shutoff)
            throw Bad("transient domain cannot have runstate 'shutoff'");
        if (hasManagedSave && state != DomainState.Shutoff)
            throw Bad("domain with managedsave data can only have runstate 'shutoff'");
        world.Domains.Add(definition, new DomainStateInfo(state, 0), !isTransient, hasManagedSave);
    }

    private static LibvirtException Bad(string detail, Exception? cause = null) =>
        LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Test, detail, cause);
}
