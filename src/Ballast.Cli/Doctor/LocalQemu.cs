namespace Ballast.Cli.Doctor;

/// <summary>A domain's QEMU, a process of this host, as the kernel tells of it.</summary>
internal sealed class LocalQemu
{
    private readonly ProcFiles _proc;
    private readonly string _directory;
    private readonly string _commandLine;

    private LocalQemu(ProcFiles proc, string directory, string commandLine) => (_proc, _directory, _commandLine) = (proc, directory, commandLine);

    /// <summary>Whether libvirt started it, which gives its monitor a name of its own.</summary>
    public bool IsOfLibvirt => _commandLine.Contains("charmonitor", StringComparison.Ordinal);

    /// <summary>Whether a signal stopped it.</summary>
    public bool IsStopped => State.StartsWith('T');

    /// <summary>The debugger that stopped it; null where none did.</summary>
    public ulong? Debugger => State.StartsWith('t') ? Field("TracerPid") : null;

    /// <summary>How long it has run; null where nobody can tell.</summary>
    public TimeSpan? Age => _proc.Age(_directory);

    private string State => _proc.Word($"{_directory}/status", "State") ?? "";

    /// <param name="proc">The host's files.</param>
    /// <param name="domain">The domain, whose id may be the process's.</param>
    /// <returns>Its QEMU; null where it runs on another host, or nobody can tell which one it is.</returns>
    public static LocalQemu? Find(ProcFiles proc, Domain domain)
    {
        if (domain.Id is not { } pid || !ProcFiles.IsAbout(domain.Connection))
            return null;
        string directory = ProcFiles.DirectoryOf(pid);
        if (proc.Word($"{directory}/status", "Name")?.Contains("qemu", StringComparison.Ordinal) != true)
            return null;
        string commandLine = proc.Text($"{directory}/cmdline");

        // libvirt counts its domains: the process with such a number is another one.
        bool isOwn = !domain.Connection.Uri.StartsWith("qemu", StringComparison.Ordinal)
            || commandLine.Contains(domain.Uuid.ToString(), StringComparison.Ordinal)
            || commandLine.Contains(domain.Name, StringComparison.Ordinal);
        return isOwn ? new LocalQemu(proc, directory, commandLine) : null;
    }

    /// <summary>A field of its status, in KiB where it is a size.</summary>
    public ulong? Field(string field) => ProcFiles.Number(_proc.Word($"{_directory}/status", field));
}
