using System.Text.Json;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>How fast a guest writes to its memory, as QEMU measured it last.</summary>
/// <param name="Status">libvirt's number: 0 never measured, 1 measuring, 2 measured.</param>
/// <param name="StartTime">When it began, on QEMU's own clock, in seconds.</param>
/// <param name="Period">For how long, in seconds.</param>
/// <param name="Mode">QEMU's word for how.</param>
/// <param name="MegabytesPerSecond">The result; null until there is one.</param>
/// <param name="OfCpus">The same of single virtual processors, where the mode tells them.</param>
internal sealed record QmpDirtyRate(
    int Status, long StartTime, int Period, string Mode, long? MegabytesPerSecond, IReadOnlyList<(int Cpu, ulong MegabytesPerSecond)> OfCpus)
{
    private const int MostCpus = 16384;

    /// <param name="answer">The reply to <c>query-dirty-rate</c>; null where QEMU does not know the question.</param>
    public static QmpDirtyRate? Read(JsonElement? answer)
    {
        if (answer is not { } reply || Text(Member(reply, "status")) is not { } status)
            return null;
        return new QmpDirtyRate(
            status switch { "measured" => 2, "measuring" => 1, _ => 0 },
            (long)Math.Min(long.MaxValue, Number(Member(reply, "start-time")) ?? 0),
            (int)Math.Min(int.MaxValue, Number(Member(reply, "calc-time")) ?? 0),
            Text(Member(reply, "mode")) ?? QmpCommands.Name(DirtyRateMode.PageSampling),
            Number(Member(reply, "dirty-rate")) is { } rate ? (long)Math.Min(long.MaxValue, rate) : null,
            [.. Elements(Member(reply, "vcpu-dirty-rate")).Take(MostCpus).Select(ReadCpu).OfType<(int, ulong)>()]);
    }

    private static (int Cpu, ulong MegabytesPerSecond)? ReadCpu(JsonElement cpu) =>
        Number(Member(cpu, "id")) is { } id and < MostCpus && Number(Member(cpu, "dirty-rate")) is { } rate ? ((int)id, rate) : null;
}
