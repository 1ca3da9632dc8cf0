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
    /// <param name="pid">The process, which was shown to be the domain's.</param>
    public static LocalQemu At(ProcFiles proc, int pid)
    {
        string directory = ProcFiles.DirectoryOf(pid);
        return new LocalQemu(proc, directory, proc.Text($"{directory}/cmdline"));
    }

    /// <summary>A field of its status, in KiB where it is a size.</summary>
    public ulong? Field(string field) => ProcFiles.Number(_proc.Word($"{_directory}/status", field));
}
