using System.Globalization;
using System.Text;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Test;

/// <summary>
/// A file that describes a simulated host and its domains, in the format of libvirt's test driver. Networks, storage,
/// interfaces and devices of the host are not looked at.
/// </summary>
internal static class TestFile
{
    private const int MaxBytes = 16 * 1024 * 1024, BufferBytes = 16 * 1024;

    private const string Extension = "http://libvirt.org/schemas/domain/test/1.0";

    /// <exception cref="LibvirtException">The file cannot be read, does not describe a host, or does not let the caller in.</exception>
    public static async ValueTask<TestWorld> ReadAsync(string path, ConnectionOptions options, CancellationToken cancellationToken)
    {
        XmlElement root = Load(path).RequireRoot("node");
        TestWorld world = new(ReadNode(root));
        foreach (XmlElement domain in root.Children("domain"))
        {
            // Relative to the file that names it.
            AddDomain(world, domain["file"] is { } file
                ? Load(Path.Combine(Path.GetDirectoryName(path) ?? "/", file)).RequireRoot("domain")
                : domain);
        }

        await TestUsers.CheckAsync(root, options, cancellationToken).ConfigureAwait(false);
        return world;
    }

    private static XmlElement Load(string path)
    {
        const int readOnly = 0, nonBlocking = 0x800, closeOnExec = 0x80000;
        try
        {
            // So a pipe that nobody writes to is empty, instead of a wait without an end.
            using SafeFileHandle file = new(Libc.Open(path, readOnly | nonBlocking | closeOnExec), ownsHandle: true);
            if (file.IsInvalid)
                throw new IOException(path);
            using FileStream stream = new(file, FileAccess.Read, bufferSize: 0);
            using MemoryStream text = new();
            byte[] buffer = new byte[BufferBytes];
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                text.Write(buffer, 0, read);
                if (text.Length > MaxBytes)
                    throw Bad($"'{DisplayText.Escape(path)}' has more than {MaxBytes >> 20} MiB");
            }

            return XmlReading.Read(Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length), DisplayText.Escape(path), ErrorOrigin.Test);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Bad($"failed to parse xml document '{DisplayText.Escape(path)}'", e);
        }
    }

    private static TestNode ReadNode(XmlElement root)
    {
        TestNode byDefault = new();
        XmlElement? cpu = root.Child("cpu");
        return new TestNode
        {
            Model = cpu?.TextOf("model") ?? byDefault.Model,
            ActiveCpus = Number("active") ?? byDefault.ActiveCpus,
            MHz = Number("mhz") ?? byDefault.MHz,
            Nodes = Number("nodes") ?? byDefault.Nodes,
            Sockets = Number("sockets") ?? byDefault.Sockets,
            Cores = Number("cores") ?? byDefault.Cores,
            Threads = Number("threads") ?? byDefault.Threads,
            MemoryKiB = root.TextOf("memory") is not { } memory ? byDefault.MemoryKiB
                : ulong.TryParse(memory, NumberStyles.None, CultureInfo.InvariantCulture, out ulong kib) ? kib
                : throw Bad("invalid node memory value"),
        };

        int? Number(string name) => cpu?.TextOf(name) is not { } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
            : throw Bad($"invalid node cpu {name} value");
    }

    /// <summary>A domain runs, unless the file says something else.</summary>
    private static void AddDomain(TestWorld world, XmlElement described)
    {
        TestDefinition definition = TestDefinitionXml.Read(described);
        DomainState state = DomainState.Running;
        if (described.Child("runstate", Extension) is { } runState)
        {
            state = int.TryParse(runState.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= (int)DomainState.PMSuspended
                ? (DomainState)number
                : throw Bad($"runstate '{DisplayText.Escape(runState.Value)}' out of range'");
        }

        bool isTransient = described.Child("transient", Extension) is not null;
        bool hasManagedSave = described.Child("hasmanagedsave", Extension) is not null;
        if (isTransient && state == DomainState.Shutoff)
            throw Bad("transient domain cannot have runstate 'shutoff'");
        if (hasManagedSave && state != DomainState.Shutoff)
            throw Bad("domain with managedsave data can only have runstate 'shutoff'");
        world.Domains.Add(definition, new DomainStateInfo(state, 0), !isTransient, hasManagedSave);
    }

    private static LibvirtException Bad(string detail, Exception? cause = null) =>
        LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Test, detail, cause);
}
