using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

// Which program a process runs.
internal sealed partial class QemuProcess
{
    // A QEMU with hundreds of processors has a few thousand lines.
    private const int MaxMapBytes = 256 * 1024;

    // The kernel appends this to a program that was replaced on disk since, as updates do, or never had a name there.
    private const string Deleted = " (deleted)";

    // Who runs another program is another one. Of a loader, its memory says what it has loaded, which is done once.
    private LoadedProgram? _loaded;

    /// <summary>
    /// The program that runs; null where this user may not know. One that another program has loaded, as the system's loader does or an
    /// emulator of another processor, is that, and not what loaded it.
    /// </summary>
    public string? Executable
    {
        get
        {
            string? executable = ReadExecutable(Pid);
            if (executable is null || QemuName.IsQemuFile(executable))
                return executable;
            if (Volatile.Read(ref _loaded) is { } known && known.Loader == executable
                && (known.Program is not null || TimeProvider.System.GetElapsedTime(known.At) < ReadAgain))
            {
                return known.Program ?? executable;
            }

            using LookTrouble trouble = new();
            string? program = FindLoaded(Pid, executable);
            if (trouble.IsAnswered)
                Volatile.Write(ref _loaded, new LoadedProgram(executable, program, TimeProvider.System.GetTimestamp()));
            return program ?? executable;
        }
    }

    /// <summary>Whether a process runs a program that is called as QEMU's are, whatever the process is called.</summary>
    public static bool RunsQemu(int pid) => ReadProgram(pid) is { } program && QemuName.IsQemuFile(program);

    /// <summary>The same, where it is not what the kernel started: its file lies in the memory of the program that loaded it.</summary>
    public static bool IsLoaded(int pid) => ReadExecutable(pid) is { } executable && !QemuName.IsQemuFile(executable) && FindLoaded(pid, executable) is not null;

    /// <inheritdoc cref="Executable"/>
    /// <param name="pid">The process.</param>
    public static string? ReadProgram(int pid) =>
        ReadExecutable(pid) is not { } executable ? null
        : QemuName.IsQemuFile(executable) ? executable
        : FindLoaded(pid, executable) ?? executable;

    private static string? ReadExecutable(int pid) =>
        LinuxFiles.ReadLink(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/exe")) is { } path ? WithoutMark(path) : null;

    // A QEMU's file that is mapped to be run. An emulator runs no code of it as it is, so there it is mapped to be read only.
    private static string? FindLoaded(int pid, string loader)
    {
        bool isEmulated = QemuName.IsUserEmulator(loader);
        if (LinuxFiles.ReadAll(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/maps"), MaxMapBytes) is not { } read)
            return null;
        ReadOnlySpan<byte> maps = read.Span;
        foreach (Range range in maps.Split((byte)'\n'))
        {
            // first-last rights offset device inode, and the file.
            const int runs = 3;
            ReadOnlySpan<byte> line = maps[range];
            int rights = line.IndexOf((byte)' ') + 1, file = line.IndexOf((byte)'/');
            if (rights == 0 || file < rights || !(isEmulated || line[rights + runs - 1] == 'x'))
                continue;
            string path = WithoutMark(PathText.Decode(line[file..]));
            if (QemuName.IsQemuFile(path))
                return path;
        }

        return null;
    }

    /// <summary>A program's path as it is on disk, or was.</summary>
    public static string WithoutMark(string path) => path.EndsWith(Deleted, StringComparison.Ordinal) ? path[..^Deleted.Length] : path;

    private sealed record LoadedProgram(string Loader, string? Program, long At);
}
