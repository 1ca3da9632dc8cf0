using System.Diagnostics;
using System.Globalization;

namespace Ballast.Tests.Integration.Worlds;

/// <summary>What a process is started as.</summary>
internal sealed record WorldProcessPlan
{
    public const uint Nobody = 65534;

    /// <summary>A real QEMU, which writes no log: its numbers and its death tell about it.</summary>
    public bool IsReal { get; init; }

    public string? Name { get; init; }

    public Guid? Uuid { get; init; }

    /// <summary>What its monitor says in place of its command line; null where it says the same.</summary>
    public string? SaidName { get; init; }

    public Guid? SaidUuid { get; init; }

    /// <summary>Its monitors, below the world's directory.</summary>
    public required IReadOnlyList<string> Sockets { get; init; }

    /// <summary>It names them by where they lie from its working directory, the world's directory d.</summary>
    public bool IsRelative { get; init; }

    /// <summary>Its last monitor is a listening descriptor that was passed to it.</summary>
    public bool IsPassed { get; init; }

    public bool HasMounts { get; init; }

    /// <summary>In its own mounts, an empty file system lies over the world's directory d.</summary>
    public bool IsCovered { get; init; }

    public bool HasRoot { get; init; }

    public bool HasNetwork { get; init; }

    public bool HasPids { get; init; }

    public uint Uid { get; init; }

    /// <summary>Listens as root, and is another user's from then on.</summary>
    public bool RunsAs { get; init; }

    public bool IsSilent { get; init; }

    /// <summary>Its guest starts when somebody connects to its monitor for the first time, so nobody may who was not told to.</summary>
    public bool IsWaiting { get; init; }

    public uint Owner => RunsAs ? Nobody : Uid;

    public override string ToString() => string.Join(' ', ((string?[])
    [
        IsReal ? "real" : null,
        $"-name {Name ?? "-"} -uuid {Short(Uuid)}",
        SaidName is null && SaidUuid is null ? null : $"says {SaidName ?? "the same"}/{(SaidUuid is null ? "the same" : Short(SaidUuid))}",
        string.Join(' ', Sockets),
        IsRelative ? "relative" : null,
        IsPassed ? "the last passed to it" : null,
        IsCovered ? "under a file system of its own" : HasMounts ? "own mounts" : null,
        HasRoot ? "own root" : null,
        HasNetwork ? "own network" : null,
        HasPids ? "own pids" : null,
        RunsAs ? "runas nobody" : Uid == 0 ? null : "nobody's",
        IsSilent ? "silent" : null,
        IsWaiting ? "waits for its controller" : null,
    ]).Where(part => part is not null));

    public static string Short(Guid? uuid) => uuid is { } known ? known.ToString()[..4] : "-";
}

/// <summary>A process of a world: what it was started as, what it was told, and what it may have been told.</summary>
internal sealed class WorldProcess(WorldProcessPlan plan, int token, int pid, string logPath)
{
    private readonly Dictionary<string, int> _allowed = [];
    private readonly HashSet<ulong> _periods = [100 + (ulong)token];
    private readonly Lock _gate = new();
    private bool _isRefreshed;

    public WorldProcessPlan Plan => plan;

    public int Token => token;

    public int Pid => pid;

    public long StartedAt { get; } = Stopwatch.GetTimestamp();

    /// <summary>Its memory by its command line; all worlds' processes differ.</summary>
    public ulong SizeMiB => Size(plan.IsReal, token);

    /// <summary>Somebody had the right to end it.</summary>
    public bool MayDie { get; set; }

    public bool IsDead { get; set; }

    public bool IsStopped { get; set; }

    /// <summary>A real one is small: its memory is taken from the host.</summary>
    public static ulong Size(bool isReal, int token) => (isReal ? 32u : 1000u) + (ulong)token;

    public override string ToString() => $"#{token} (pid {pid}{(IsDead ? ", dead" : IsStopped ? ", stopped" : "")})";

    public void Allow(string command)
    {
        lock (_gate)
            _allowed[command] = _allowed.GetValueOrDefault(command) + 1;
    }

    public void AllowPeriod(ulong seconds)
    {
        lock (_gate)
            _periods.Add(seconds);
        Allow(PeriodCommand(seconds));
    }

    public void AllowRefresh()
    {
        lock (_gate)
            _isRefreshed = true;
    }

    public bool KnowsPeriod(ulong seconds)
    {
        lock (_gate)
            return _periods.Contains(seconds) || (_isRefreshed && seconds is 0 or 86400);
    }

    public static string PeriodCommand(ulong seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"qom-set guest-stats-polling-interval {seconds}");

    public static string BalloonCommand(ulong kib) => string.Create(CultureInfo.InvariantCulture, $"balloon {kib * 1024}");

    /// <summary>All that it was told.</summary>
    public string[] ReadLog() => plan.IsReal || !File.Exists(logPath) ? [] : File.ReadAllLines(logPath);

    public int CountTold(string command) => ReadLog().Count(line => line == command);

    /// <summary>Whether it was allowed to be told a command that often; questions are allowed to everybody.</summary>
    public bool IsAllowed(string command, int times)
    {
        if (IsQuestion(command))
            return true;
        lock (_gate)
        {
            if (times <= _allowed.GetValueOrDefault(command))
                return true;

            // A refresh sets the period to 0, or to a day, and back to what it was.
            const string period = "qom-set guest-stats-polling-interval ";
            return _isRefreshed && command.StartsWith(period, StringComparison.Ordinal)
                && ulong.TryParse(command.AsSpan(period.Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong seconds)
                && (seconds is 0 or 86400 || _periods.Contains(seconds));
        }
    }

    public bool WasMeant(string command)
    {
        lock (_gate)
            return _allowed.ContainsKey(command);
    }

    private static bool IsQuestion(string command) =>
        command.StartsWith("query-", StringComparison.Ordinal) || command.StartsWith("x-query-", StringComparison.Ordinal)
        || command.StartsWith("qom-get", StringComparison.Ordinal) || command is "qom-list" or "qmp_capabilities";
}
