using System.Globalization;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>A thread of a QEMU, as the host's kernel accounts for it.</summary>
internal readonly record struct QemuThread(TimeSpan CpuTime, int HostCpu);

internal sealed partial class QemuProcess
{
    private const int Unknown = 0, SameIds = 1, OtherIds = 2;

    // In a container it knows its threads by other ids than this host does: which, by those ids. Threads come rarely.
    private volatile Dictionary<int, string> _threads = [];
    private volatile int _ids;

    /// <summary>Its threads, for one answer.</summary>
    /// <param name="cancellationToken">Gives up: a QEMU may have thousands of them, and each takes some ten microseconds.</param>
    public ThreadLook LookAtThreads(CancellationToken cancellationToken = default) => new(this, cancellationToken);

    // Never changes while it lives; null where it is gone.
    private bool? HasOtherIds()
    {
        if (_ids == Unknown && StatusLine($"/proc/{Pid}", "NSpid:") is { } ids)
            _ids = ids.Contains('\t', StringComparison.Ordinal) ? OtherIds : SameIds;
        return _ids == Unknown ? null : _ids == OtherIds;
    }

    private static bool IsCalled(string directory, string name) => StatusLine(directory, "NSpid:") is { } ids && ids.Split('\t')[^1] == name;

    /// <summary>What one answer tells of a QEMU's threads. All of them are gone through once at most, however many are asked for.</summary>
    internal sealed class ThreadLook(QemuProcess process, CancellationToken cancellationToken)
    {
        private readonly Dictionary<int, string?> _found = [];
        private CpuSet? _ofNew;
        private bool _hasSeenAll;

        /// <summary>How often all of them were gone through.</summary>
        public int Walks => _hasSeenAll ? 1 : 0;

        /// <summary>What a thread, by the id that QEMU knows it by, has used; null where this process has no such thread.</summary>
        public QemuThread? Read(int id)
        {
            return DirectoryOf(id) is { } directory && ReadStatIn(directory) is { } told && !process.HasExited
                ? new QemuThread(told.UserTime + told.SystemTime, (int)Math.Min(told.HostCpu, int.MaxValue))
                : null;
        }

        /// <summary>
        /// For how long a thread waited for I/O, and for a CPU, in nanoseconds; null where this process has no such thread. A kernel
        /// that does not count the first tells none of it.
        /// </summary>
        public (ulong Wait, ulong Delay)? ReadWaiting(int id)
        {
            const decimal nanosecondsOfMillisecond = 1_000_000;
            if (DirectoryOf(id) is not { } directory || ReadText($"{directory}/schedstat")?.Split(' ') is not [_, var delay, ..] || process.HasExited)
                return null;
            ulong wait = 0;
            foreach (string line in (ReadText($"{directory}/sched") ?? "").Split('\n'))
            {
                if ((line.StartsWith("se.statistics.iowait_sum", StringComparison.Ordinal) || line.StartsWith("iowait_sum", StringComparison.Ordinal))
                    && decimal.TryParse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out decimal milliseconds)
                    && milliseconds >= 0)
                {
                    wait = (ulong)(milliseconds * nanosecondsOfMillisecond);
                }
            }

            return (wait, Number(delay));
        }

        /// <summary>
        /// The host CPUs that a thread may run on, or, without one, that a new thread may; of length 0 where nobody knows.
        /// </summary>
        public CpuSet ReadAffinity(int? thread, int hostCpus)
        {
            if (thread is not { } id)
                return _ofNew ??= Read($"/proc/{process.Pid}");
            return DirectoryOf(id) is { } directory ? Read(directory) : CpuSet.Empty;

            CpuSet Read(string directory) =>
                StatusLine(directory, "Cpus_allowed:") is { } mask && !process.HasExited ? ParseMask(mask, hostCpus) : CpuSet.Empty;
        }

        // Always below this process's own directory: what a monitor says must not lead elsewhere.
        private string? DirectoryOf(int id)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (id <= 0 || process.HasOtherIds() is not { } hasOtherIds)
                return null;
            if (!hasOtherIds)
                return $"/proc/{process.Pid}/task/{id.ToString(CultureInfo.InvariantCulture)}";
            if (!_found.TryGetValue(id, out string? directory))
                _found[id] = directory = Find(id);
            return directory;
        }

        private string? Find(int id)
        {
            if (!_hasSeenAll && process._threads.TryGetValue(id, out string? known) && IsCalled(known, id.ToString(CultureInfo.InvariantCulture)))
                return known;
            if (!_hasSeenAll)
                SeeAll();
            return process._threads.GetValueOrDefault(id);
        }

        private void SeeAll()
        {
            Dictionary<int, string> all = [];
            try
            {
                foreach (string task in Directory.EnumerateDirectories($"/proc/{process.Pid}/task"))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (StatusLine(task, "NSpid:") is { } ids && int.TryParse(ids.Split('\t')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                        all[id] = task;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is gone.
            }

            process._threads = all;
            _hasSeenAll = true;
        }
    }

    private static string? StatusLine(string directory, string name)
    {
        string text = ReadText($"{directory}/status") ?? "";

        // Never the first: that is the name, and nothing in it is a new line.
        int start = text.IndexOf("\n" + name, StringComparison.Ordinal);
        if (start < 0)
            return null;
        start += 1 + name.Length;
        int end = text.IndexOf('\n', start);
        return text[start..(end < 0 ? text.Length : end)].Trim();
    }

    // Hexadecimal digits with commas between words, the last one for the first four CPUs.
    private static CpuSet ParseMask(string mask, int hostCpus)
    {
        const int bitsOfDigit = 4;
        string digits = mask.Replace(",", "", StringComparison.Ordinal);
        return new CpuSet(hostCpus, Enumerable.Range(0, Math.Min(hostCpus, digits.Length * bitsOfDigit)).Where(cpu =>
            digits[^(1 + (cpu / bitsOfDigit))] is var digit && char.IsAsciiHexDigit(digit)
                && (Convert.ToInt32(digit.ToString(), 16) >> (cpu % bitsOfDigit) & 1) != 0));
    }

    private static string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // No such process or thread any more.
        }
    }
}
