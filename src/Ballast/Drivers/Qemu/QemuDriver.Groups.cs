using System.Globalization;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Xml;

namespace Ballast.Drivers.Qemu;

/// <content>The groups of bulk statistics beside state and balloon: who does not ask for them does not pay for them.</content>
internal sealed partial class QemuDriver
{
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

    private static void AddVcpuFields(List<TypedParameter> fields, QemuDomain qemu, in MonitorValues values, CancellationToken cancellationToken)
    {
        if (values.CpuList is not { } cpus)
            return;
        fields.Add(TypedParameter.UInt("vcpu.current", (uint)cpus.Length));
        fields.Add(TypedParameter.UInt("vcpu.maximum", (uint)Slots(values)));
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

    private static ulong Nanoseconds(TimeSpan time) => (ulong)(time.Ticks * TimeSpan.NanosecondsPerTick);
}
