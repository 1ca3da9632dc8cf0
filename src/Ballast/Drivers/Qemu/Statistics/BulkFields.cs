using System.Globalization;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Xml;

namespace Ballast.Drivers.Qemu.Statistics;

/// <summary>One QEMU's answers as the fields of libvirt's bulk statistics. Only the host's files are read, for the groups that need them.</summary>
internal static class BulkFields
{
    /// <param name="groups">Which fields.</param>
    /// <param name="qemu">The QEMU.</param>
    /// <param name="values">What its monitor answered.</param>
    /// <param name="isAsked">Whether its monitor could be asked. If not, its memory statistics are left out.</param>
    /// <param name="devices">What it answered about its devices; null if it was not asked.</param>
    /// <param name="cancellationToken">Ends the reading of the host's files.</param>
    public static IReadOnlyList<TypedParameter> Of(
        DomainStatsGroups groups, QemuDomain qemu, in MonitorValues values, bool isAsked, QmpDeviceStats? devices, CancellationToken cancellationToken)
    {
        List<TypedParameter> fields = [];
        if ((groups & DomainStatsGroups.State) != 0)
        {
            DomainStateInfo state = values.StateOrNone;
            fields.Add(TypedParameter.Int("state.state", (int)state.State));
            fields.Add(TypedParameter.Int("state.reason", state.Reason));
        }

        if ((groups & DomainStatsGroups.CpuTotal) != 0)
        {
            AddCpuTotalFields(fields, qemu);
            AddHaltPollFields(fields, devices?.HaltPolling);
        }

        if ((groups & DomainStatsGroups.Balloon) != 0)
            AddBalloonFields(fields, qemu, values, isAsked);
        if ((groups & DomainStatsGroups.Vcpu) != 0)
            AddVcpuFields(fields, qemu, values, cancellationToken);
        if (devices is not null)
            AddDeviceFields(fields, devices);
        return fields;
    }

    private static void AddCpuTotalFields(List<TypedParameter> fields, QemuDomain qemu)
    {
        if (qemu.Process?.ReadCpuTime() is not var (user, system))
            return;
        fields.Add(TypedParameter.ULLong("cpu.time", Nanoseconds(user + system)));
        fields.Add(TypedParameter.ULLong("cpu.user", Nanoseconds(user)));
        fields.Add(TypedParameter.ULLong("cpu.system", Nanoseconds(system)));

        // A monitor of the host's caches is libvirt's own, and it has none of a QEMU that it did not start.
        fields.Add(TypedParameter.UInt("cpu.cache.monitor.count", 0));
    }

    private static void AddHaltPollFields(List<TypedParameter> fields, (ulong Success, ulong Fail)? polling)
    {
        if (polling is not var (success, fail))
            return;
        fields.Add(TypedParameter.ULLong("cpu.haltpoll.success.time", success));
        fields.Add(TypedParameter.ULLong("cpu.haltpoll.fail.time", fail));
    }

    private static void AddBalloonFields(List<TypedParameter> fields, QemuDomain qemu, in MonitorValues values, bool isAsked)
    {
        if (qemu.CurrentKiB is { } current)
            fields.Add(TypedParameter.ULLong("balloon.current", current));
        if (qemu.MaxMemoryKiB is { } maximum)
            fields.Add(TypedParameter.ULLong("balloon.maximum", maximum));
        if (!isAsked)
            return;

        Span<MemoryStat> stats = stackalloc MemoryStat[QemuMemoryStats.MaxCount];
        int count = QemuMemoryStats.Fill(stats, values, qemu.Process, MemoryStatsOptions.None);
        foreach (MemoryStat stat in stats[..count])
        {
            if (stat.Tag.BalloonField() is { } field)
                fields.Add(TypedParameter.ULLong(field, stat.Value));
        }
    }

    private static void AddVcpuFields(List<TypedParameter> fields, QemuDomain qemu, in MonitorValues values, CancellationToken cancellationToken)
    {
        if (values.CpuList is not { } cpus)
            return;
        fields.Add(TypedParameter.UInt("vcpu.current", (uint)cpus.Length));
        fields.Add(TypedParameter.UInt("vcpu.maximum", (uint)values.MaxCpus));
        QemuProcess.ThreadLook? threads = qemu.Process?.LookAtThreads(cancellationToken);
        foreach (QmpCpu cpu in cpus)
        {
            fields.Add(TypedParameter.Int(Numbered("vcpu", cpu.Index, "state"), (int)VirtualCpuState.Running));
            if (threads?.Read(cpu.ThreadId) is not { } thread)
                continue;
            fields.Add(TypedParameter.ULLong(Numbered("vcpu", cpu.Index, "time"), Nanoseconds(thread.CpuTime)));
            if (threads.ReadWaiting(cpu.ThreadId) is var (wait, delay))
            {
                fields.Add(TypedParameter.ULLong(Numbered("vcpu", cpu.Index, "wait"), wait));
                fields.Add(TypedParameter.ULLong(Numbered("vcpu", cpu.Index, "delay"), delay));
            }
        }
    }

    private static void AddDeviceFields(List<TypedParameter> fields, QmpDeviceStats devices)
    {
        if (devices.NetworkCards is { } cards)
            fields.Add(TypedParameter.UInt("net.count", (uint)cards));
        if (devices.Disks is { } disks)
            AddBlockFields(fields, disks);
        if (devices.IoThreads is { Count: > 0 } threads)
            AddIoThreadFields(fields, threads);
        AddDirtyRateFields(fields, devices.DirtyRate);
    }

    private static void AddBlockFields(List<TypedParameter> fields, IReadOnlyList<DiskStats> disks)
    {
        fields.Add(TypedParameter.UInt("block.count", (uint)disks.Count));
        for (int i = 0; i < disks.Count; i++)
        {
            fields.Add(TypedParameter.String(Numbered("block", i, "name"), DiskTarget.Of(disks[i].Alias)));
            if (disks[i].File is { } file)
                fields.Add(TypedParameter.String(Numbered("block", i, "path"), file));
            foreach ((string name, ulong value) in disks[i].Numbers)
                fields.Add(TypedParameter.ULLong(Numbered("block", i, name), value));
        }
    }

    private static void AddIoThreadFields(List<TypedParameter> fields, IReadOnlyList<IoThreadStats> threads)
    {
        fields.Add(TypedParameter.UInt("iothread.count", (uint)threads.Count));
        foreach (IoThreadStats thread in threads)
        {
            if (thread.PollMax is { } max)
                fields.Add(TypedParameter.ULLong(Numbered("iothread", (int)thread.Number, "poll-max-ns"), max));
            if (thread.PollGrow is { } grow)
                fields.Add(TypedParameter.UInt(Numbered("iothread", (int)thread.Number, "poll-grow"), grow));
            if (thread.PollShrink is { } shrink)
                fields.Add(TypedParameter.UInt(Numbered("iothread", (int)thread.Number, "poll-shrink"), shrink));
        }
    }

    private static void AddDirtyRateFields(List<TypedParameter> fields, QmpDirtyRate? rate)
    {
        if (rate is null)
            return;
        fields.Add(TypedParameter.Int("dirtyrate.calc_status", rate.Status));
        fields.Add(TypedParameter.LLong("dirtyrate.calc_start_time", rate.StartTime));
        fields.Add(TypedParameter.Int("dirtyrate.calc_period", rate.Period));
        fields.Add(TypedParameter.String("dirtyrate.calc_mode", rate.Mode));
        if (rate.MegabytesPerSecond is { } all)
            fields.Add(TypedParameter.LLong("dirtyrate.megabytes_per_second", all));
        foreach ((int cpu, ulong megabytes) in rate.OfCpus)
            fields.Add(TypedParameter.ULLong(Numbered("dirtyrate.vcpu", cpu, "megabytes_per_second"), megabytes));
    }

    private static string Numbered(string group, int number, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"{group}.{number}.{name}");

    /// <summary>A time as libvirt's fields have it.</summary>
    public static ulong Nanoseconds(TimeSpan time) => (ulong)(time.Ticks * TimeSpan.NanosecondsPerTick);
}
