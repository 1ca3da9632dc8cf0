using System.Globalization;

namespace Ballast.Tests.Integration.Worlds;

// What is asked of handles, and what must then be true.
internal sealed partial class World
{
    // What the statistics are called in a bulk call.
    private static readonly Dictionary<string, MemoryStatTag> Tags =
        Enum.GetValues<MemoryStatTag>().ToDictionary(tag => tag == MemoryStatTag.ActualBalloon ? "balloon.current" : $"balloon.{tag.Label()}");

    private int _calls;
    private int _answered;

    private async Task CallAsync(WorldHandle handle, bool isAlone)
    {
        int roll = _random.Next(100), value = Interlocked.Increment(ref _values);
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(_token);
        if (Chance(4))
            source.CancelAfter(_random.Next(5));
        CancellationToken token = source.Token;
        await (roll switch
        {
            < 18 => SampleAsync(handle, token),
            < 26 => FillAsync(handle, token),
            < 34 => InfoAsync(handle, token),
            < 37 => StateAsync(handle, token),
            < 40 => PeriodAsync(handle, token),
            < 66 => SetMemoryAsync(handle, value, token),
            < 76 => SetPeriodAsync(handle, value, token),
            < 80 => SuspendAsync(handle, isAlone, token),
            < 84 => TellAsync(handle, "cont", "resume", () => handle.Domain.ResumeAsync(token)),
            < 88 => TellAsync(handle, "system_reset", "reset", () => handle.Domain.ResetAsync(token)),
            < 91 => TellAsync(handle, "system_powerdown", "shutdown", () => handle.Domain.ShutdownAsync(cancellationToken: token)),
            < 94 => RefreshAsync(handle, token),
            _ => DestroyAsync(handle, token),
        });
    }

    private Task<bool> SampleAsync(WorldHandle handle, CancellationToken token) => TryAsync($"sample {handle}", async () =>
    {
        MemoryStats sample = await handle.Domain.GetMemoryStatsAsync(cancellationToken: token);
        CheckNumbers(handle, sample.Entries);
        if (sample.Period is { } period)
            CheckPeriod(handle, (ulong)period.TotalSeconds);
        return $"actual {sample.ActualKiB}, {sample.Reason}";
    });

    private Task<bool> FillAsync(WorldHandle handle, CancellationToken token) => TryAsync($"fill {handle}", async () =>
    {
        MemoryStat[] room = new MemoryStat[13];
        int count = await handle.Domain.FillMemoryStatsAsync(room, cancellationToken: token);
        CheckNumbers(handle, room[..count]);
        return $"{count} entries";
    });

    private Task<bool> RefreshAsync(WorldHandle handle, CancellationToken token)
    {
        handle.Process.AllowRefresh();
        return TryAsync($"refresh {handle}", async () =>
        {
            MemoryStats sample = await handle.Domain.RefreshMemoryStatsAsync(cancellationToken: token);
            CheckNumbers(handle, sample.Entries);
            return $"actual {sample.ActualKiB}, {sample.Reason}";
        });
    }

    /// <summary>All domains of a connection in one call.</summary>
    private Task<bool> BulkAsync(WorldConnection connection) => TryAsync($"bulk {connection}", async () =>
    {
        IReadOnlyList<DomainStatsRecord> records =
            await connection.Connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: _token);
        foreach (DomainStatsRecord record in records)
        {
            WorldHandle handle = Own(connection, record.Domain);
            JudgeIdentity(handle);
            RequireAlive(handle);
            if (record.Parameters.FirstOrDefault(field => field.Field == "balloon.maximum") is { Field: not null } maximum)
                CheckMaximum(handle, maximum.AsUInt64());
            CheckNumbers(handle, record.Parameters.Where(field => Tags.ContainsKey(field.Field)).Select(field =>
                new MemoryStat(Tags[field.Field], field.AsUInt64())));
        }

        return $"{records.Count} records";
    });

    private Task<bool> InfoAsync(WorldHandle handle, CancellationToken token) => TryAsync($"info {handle}", async () =>
    {
        DomainInfo info = await handle.Domain.GetInfoAsync(token);
        CheckMaximum(handle, info.MaxMemoryKiB);
        CheckActual(handle, info.MemoryKiB);
        return $"{info.MemoryKiB} of {info.MaxMemoryKiB} KiB";
    });

    private Task<bool> StateAsync(WorldHandle handle, CancellationToken token) => TryAsync($"state {handle}", async () =>
        (await handle.Domain.GetStateAsync(token)).State.ToString());

    private Task<bool> PeriodAsync(WorldHandle handle, CancellationToken token) => TryAsync($"period {handle}", async () =>
    {
        int seconds = await handle.Domain.GetPeriodAsync(token);
        CheckPeriod(handle, (ulong)seconds);
        return $"{seconds} s";
    });

    private async Task SetMemoryAsync(WorldHandle handle, int value, CancellationToken token)
    {
        // A value that no other call asks for, and that no process begins with.
        ulong kib = ((handle.Process.Plan.IsReal ? 16ul : 300ul) * 1024) + (4 * (ulong)value);
        string command = WorldProcess.BalloonCommand(kib);
        handle.Process.Allow(command);
        if (await TryAsync($"setmem {kib} {handle}", async () =>
        {
            await handle.Domain.SetMemoryAsync(kib, cancellationToken: token);
            return null;
        }))
        {
            CheckTold(handle, command, 0);
        }
    }

    private async Task SetPeriodAsync(WorldHandle handle, int value, CancellationToken token)
    {
        int seconds = 1000 + value;
        handle.Process.AllowPeriod((ulong)seconds);
        if (await TryAsync($"set period {seconds} {handle}", async () =>
        {
            await handle.Domain.SetPeriodAsync(seconds, cancellationToken: token);
            return null;
        }))
        {
            CheckTold(handle, WorldProcess.PeriodCommand((ulong)seconds), 0);
        }
    }

    private async Task SuspendAsync(WorldHandle handle, bool isAlone, CancellationToken token)
    {
        handle.Process.Allow("stop");
        bool succeeded = await TryAsync($"suspend {handle}", async () =>
        {
            await handle.Domain.SuspendAsync(token);
            return null;
        });

        // One that is paused already is not told again.
        if (succeeded && isAlone && !handle.Process.Plan.IsReal
            && handle.Process.ReadLog().LastOrDefault(line => line is "stop" or "cont") != "stop")
        {
            throw NotReached(handle, "stop");
        }
    }

    private async Task TellAsync(WorldHandle handle, string command, string what, Func<ValueTask> call)
    {
        handle.Process.Allow(command);
        int before = handle.Process.CountTold(command);
        if (await TryAsync($"{what} {handle}", async () =>
        {
            await call();
            return null;
        }))
        {
            CheckTold(handle, command, before);
        }
    }

    private async Task DestroyAsync(WorldHandle handle, CancellationToken token)
    {
        WorldProcess process = handle.Process;
        bool wasDead = process.IsDead;
        process.MayDie = true;
        process.Allow("quit");
        process.Allow("SIGTERM");
        bool succeeded = await TryAsync($"destroy {handle}", async () =>
        {
            await handle.Domain.DestroyAsync(cancellationToken: token);
            return null;
        });
        if (succeeded && !wasDead && !await EndsAsync(process))
            throw new WorldViolation("destroyed, but it lives", $"{handle}");
    }

    // The threads of a real QEMU end one after another: for a moment the first is gone, and the process is not.
    private async Task<bool> EndsAsync(WorldProcess process)
    {
        for (int look = 0; look < 100; look++)
        {
            if (await _nursery.AskAsync("look", Text(process.Pid)) != "lives")
                return true;
            await Task.Delay(TimeSpan.FromMilliseconds(5), _token);
        }

        return false;
    }

    private void CheckTold(WorldHandle handle, string command, int before)
    {
        if (!handle.Process.Plan.IsReal && handle.Process.CountTold(command) <= before)
            throw NotReached(handle, command);
    }

    // Who was reached instead is the better story.
    private WorldViolation NotReached(WorldHandle handle, string command)
    {
        foreach (WorldProcess process in Processes)
            JudgeLog(process);
        return new WorldViolation("a call did not reach its process", $"{handle} was not told {command}, though the call succeeded");
    }

    // All numbers are made of the process's own; what is missing is no lie.
    private void CheckNumbers(WorldHandle handle, IEnumerable<MemoryStat> entries)
    {
        ulong own = 4 * (ulong)handle.Process.Token, token = (ulong)handle.Process.Token;
        bool isReal = handle.Process.Plan.IsReal;
        foreach (MemoryStat entry in entries)
        {
            switch (entry.Tag)
            {
                case MemoryStatTag.ActualBalloon:
                    CheckActual(handle, entry.Value);
                    break;
                case MemoryStatTag.Rss:
                    CheckResident(handle, entry.Value);
                    break;
                case MemoryStatTag.LastUpdate:
                    break;
                default:
                    ulong? right = isReal ? null : entry.Tag switch
                    {
                        MemoryStatTag.SwapIn or MemoryStatTag.SwapOut => own,
                        MemoryStatTag.MajorFault => 1000 + token,
                        MemoryStatTag.MinorFault => 2000 + token,
                        MemoryStatTag.Unused => (100 * 1024) + own,
                        MemoryStatTag.Available => (600 * 1024) + own,
                        MemoryStatTag.Usable => (300 * 1024) + own,
                        MemoryStatTag.DiskCaches => (50 * 1024) + own,
                        MemoryStatTag.HugetlbPgAlloc or MemoryStatTag.HugetlbPgFail => 0,
                        _ => null,
                    };
                    Check(handle, entry.Tag.Label(), entry.Value, entry.Value == right);
                    break;
            }
        }
    }

    private static void CheckMaximum(WorldHandle handle, ulong kib) =>
        Check(handle, "maximum", kib, kib == handle.Process.SizeMiB * 1024);

    private static void CheckActual(WorldHandle handle, ulong kib) => Check(handle, "actual", kib,
        kib == handle.Process.SizeMiB * 1024 || handle.Process.WasMeant(WorldProcess.BalloonCommand(kib)));

    private static void CheckPeriod(WorldHandle handle, ulong seconds) => Check(handle, "period", seconds,
        handle.Process.Plan.IsReal ? seconds == 0 || handle.Process.KnowsPeriod(seconds) : handle.Process.KnowsPeriod(seconds));

    // The kernel's count is not exact, so that it differs by some pages from one reading to the next. A real QEMU's grows.
    private static void CheckResident(WorldHandle handle, ulong kib)
    {
        const ulong tolerance = 512;
        if (!handle.Process.Plan.IsReal && !handle.Process.IsDead && ReadResidentKiB(handle.Process.Pid) is { } now)
            Check(handle, "rss", kib, Math.Max(kib, now) - Math.Min(kib, now) <= tolerance);
    }

    private static ulong? ReadResidentKiB(int pid)
    {
        try
        {
            return ulong.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[1], CultureInfo.InvariantCulture)
                * (ulong)Environment.SystemPageSize / 1024 is > 0 and var kib ? kib : null;
        }
        catch (IOException)
        {
            return null; // It ended.
        }
    }

    private static void Check(WorldHandle handle, string what, ulong value, bool isRight)
    {
        if (!isRight)
            throw new WorldViolation("numbers of another process", $"{handle}: {what} is {value}");
    }

    /// <summary>Whether a call succeeded. It may fail, but only as calls fail, and in time.</summary>
    private async Task<bool> TryAsync(string what, Func<Task<string?>> call)
    {
        Interlocked.Increment(ref _calls);
        try
        {
            string? result = await call().WaitAsync(Patience, CancellationToken.None);
            Tell($"   {what}: {result ?? "done"}");
            Interlocked.Increment(ref _answered);
            return true;
        }
        catch (Exception e) when (e is LibvirtException or OperationCanceledException or ObjectDisposedException)
        {
            Tell($"   {what}: {(e is LibvirtException ? Brief(e.Message) : e.GetType().Name)}");
            return false;
        }
        catch (WorldViolation violation)
        {
            Tell($"   {what}: {violation.Message}");
            throw;
        }
        catch (TimeoutException)
        {
            throw new WorldViolation("a call without end", what);
        }
        catch (Exception e)
        {
            throw new WorldViolation("an exception that no call throws", $"{what}: {e}");
        }
    }
}
