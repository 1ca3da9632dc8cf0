using System.Buffers.Text;
using System.Text;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>
/// What the kernel tells of a process, or of a thread, in its file <c>stat</c> (proc(5)), as far as anybody here wants to know. What is no
/// number there is 0.
/// </summary>
internal sealed class ProcessStat
{
    /// <summary>More than the file ever has.</summary>
    public const int MaxBytes = 1024;

    // The fields, numbered from 1 as proc(5) does.
    private const int Parent = 4, Session = 6, User = 14, Kernel = 15, ThreadCount = 20, Start = 22, Size = 23;
    private const int CodeStart = 26, StackStart = 28, Processor = 39, ArgumentsStart = 48, ArgumentsEnd = 49;

    private const int TicksPerSecond = 100;

    // 146 years of one processor, so that sums of a few stay in range.
    private const ulong MaxCpuTicks = long.MaxValue / 2 / (TimeSpan.TicksPerSecond / TicksPerSecond);

    private ulong _code, _stack, _argumentsStart, _argumentsEnd;

    private ProcessStat(ulong id, string command) => (Id, Command) = (id, command);

    public ulong Id { get; }

    /// <summary>The name that the kernel took from the program's file, or that the program has given itself since.</summary>
    public string Command { get; }

    /// <summary>The process that made it, or has taken it over since; 0 where /proc does not show that one.</summary>
    public int ParentPid { get; private set; }

    /// <summary>The process that leads its session.</summary>
    public ulong SessionLeader { get; private set; }

    public ulong Threads { get; private set; }

    /// <summary>When it started, in clock ticks since the host booted.</summary>
    public ulong StartTicks { get; private set; }

    /// <summary>How much memory it has mapped, in bytes: what is dead has none.</summary>
    public ulong MemorySize { get; private set; }

    /// <summary>The processor that it ran on last.</summary>
    public ulong HostCpu { get; private set; }

    /// <summary>CPU time that it has used itself.</summary>
    public TimeSpan UserTime { get; private set; }

    /// <summary>CPU time that the kernel has used for it.</summary>
    public TimeSpan SystemTime { get; private set; }

    /// <summary>Places in its memory, which another program has elsewhere; null where this user may not know them.</summary>
    public (ulong Code, ulong Stack, ulong ArgumentsStart, ulong ArgumentsEnd)? Memory =>
        _argumentsStart > 1 ? (_code, _stack, _argumentsStart, _argumentsEnd) : null;

    /// <summary>Null where that is no such file's text.</summary>
    public static ProcessStat? Parse(ReadOnlySpan<byte> text)
    {
        // The second field, a name, may hold spaces and parentheses.
        int open = text.IndexOf((byte)'('), close = text.LastIndexOf((byte)')');
        if (open < 0 || close < open)
            return null;
        ProcessStat stat = new(Number(text[..open].Trim((byte)' ')), Encoding.UTF8.GetString(text[(open + 1)..close]));
        int last = 2;
        foreach (Range range in text[(close + 1)..].SplitAny((byte)' ', (byte)'\n'))
        {
            ReadOnlySpan<byte> field = text[(close + 1)..][range];
            if (!field.IsEmpty)
                stat.Take(++last, field);
        }

        // Older kernels do not tell where the arguments are.
        if (last < ArgumentsEnd)
            stat._argumentsStart = 0;
        return last >= Processor ? stat : null;
    }

    private void Take(int field, ReadOnlySpan<byte> text)
    {
        switch (field)
        {
            case Parent:
                ParentPid = Number(text) is <= int.MaxValue and var pid ? (int)pid : 0;
                break;
            case Session:
                SessionLeader = Number(text);
                break;
            case User:
                UserTime = CpuTime(Number(text));
                break;
            case Kernel:
                SystemTime = CpuTime(Number(text));
                break;
            case ThreadCount:
                Threads = Number(text);
                break;
            case Start:
                StartTicks = Number(text);
                break;
            case Size:
                MemorySize = Number(text);
                break;
            case CodeStart:
                _code = Number(text);
                break;
            case StackStart:
                _stack = Number(text);
                break;
            case Processor:
                HostCpu = Number(text);
                break;
            case ArgumentsStart:
                _argumentsStart = Number(text);
                break;
            case ArgumentsEnd:
                _argumentsEnd = Number(text);
                break;
        }
    }

    // In whole numbers: a fraction of a second has no exact double.
    private static TimeSpan CpuTime(ulong ticks) => new((long)Math.Min(ticks, MaxCpuTicks) * (TimeSpan.TicksPerSecond / TicksPerSecond));

    private static ulong Number(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out ulong number, out int length) && length == text.Length ? number : 0;
}
