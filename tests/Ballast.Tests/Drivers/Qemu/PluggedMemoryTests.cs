using System.Xml.Linq;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Sizes after somebody else plugged memory, of which QEMU says nothing by itself.</summary>
public sealed class PluggedMemoryTests
{
    private const ulong MiB = 1024 * 1024, GiB = 1024 * MiB;

    // What is told of a size may be that old.
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // In MiB: DIMMs, what the guest has of virtio-mem and could have; then the most, the current size and the balloon's as libvirt tells them.
    public static TheoryData<ulong[], ulong[][], ulong, ulong, ulong> Machines { get; } = new()
    {
        { [], [], 4096, 2048, 2048 },
        { [512], [], 4608, 2560, 2560 },
        { [512, 256], [], 4864, 2816, 2816 },
        { [], [[128, 256]], 4352, 2176, 2048 },
        { [512], [[128, 256], [0, 1024]], 5888, 2688, 2560 },
    };

    [Theory]
    [MemberData(nameof(Machines))]
    public async Task All_sizes_are_new_after_five_seconds(ulong[] dimms, ulong[][] virtioMem, ulong maximum, ulong current, ulong balloon)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        await CheckAsync(session, 4096, 2048, 2048);

        fake.Guest.Dimms.AddRange(dimms.Select(size => size * MiB));
        fake.Guest.VirtioMem.AddRange(virtioMem.Select(sizes => (sizes[0] * MiB, sizes[1] * MiB)));
        fake.Guest.ActualBytes = balloon * MiB; // Of a balloon that holds as much as before.
        _time.Advance(Freshness);
        await CheckAsync(session, maximum, current, balloon);

        fake.Guest.Dimms.Clear();
        fake.Guest.VirtioMem.Clear();
        fake.Guest.ActualBytes = 2 * GiB;
        _time.Advance(Freshness);
        await CheckAsync(session, 4096, 2048, 2048);
    }

    [Theory]
    [InlineData("GetInfo")]
    [InlineData("sample")]
    [InlineData("XML")]
    public async Task What_asks_for_the_maximum_anyway_is_right_at_once(string what)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        await CheckAsync(session, 4096, 2048, 2048);
        fake.Guest.Dimms.Add(GiB);
        fake.Guest.ActualBytes += GiB;

        (ulong? maximum, ulong? current) = what switch
        {
            "GetInfo" => await session.Domain.GetInfoAsync(Token) is var info ? (info.MaxMemoryKiB, info.MemoryKiB) : default,
            "sample" => await session.SampleAsync() is var sample ? (sample.Facts.MaximumKiB, sample.ActualKiB) : default,
            _ => await XmlSizesAsync(session),
        };

        Assert.Equal((5 * GiB / 1024, 3 * GiB / 1024), (maximum, current));
    }

    [Fact]
    public async Task Of_what_kind_it_is_is_asked_only_where_memory_was_plugged()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        await CheckAsync(session, 4096, 2048, 2048);
        Assert.DoesNotContain(fake.Commands, command => command.Key == "query-memory-devices");

        fake.Guest.VirtioMem.Add((128 * MiB, 256 * MiB));
        int commands = fake.Commands.Count;
        _ = await session.Domain.GetInfoAsync(Token);
        Assert.Equal(
            ["query-balloon", "query-status", "query-cpus-fast", "query-memory-size-summary", "query-memory-devices"],
            fake.Commands.Skip(commands).Select(command => command.Key));
    }

    [Fact]
    public async Task A_QEMU_that_cannot_tell_the_kinds_plugged_DIMMs()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Dimms.Add(512 * MiB);
        fake.On("query-memory-devices", FakeQmp.Error("CommandNotFound", "The command query-memory-devices has not been found"));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        await CheckAsync(session, 4608, 2048, 2048);
        await session.SetMemoryAsync(4608 * 1024);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""[{"type": "dimm"}]""")]
    public async Task Devices_of_another_shape_are_not_believed(string answer)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Dimms.Add(512 * MiB);
        fake.On("query-memory-devices", FakeQmp.Return(answer));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        _ = await session.Domain.GetInfoAsync(Token).AsTask().FailsAsync(ErrorCode.SystemError);
    }

    [Theory]
    [InlineData("""[{"data": {"size": 134217728, "id": "n"}, "type": "nvdimm"}]""", 4224)]
    [InlineData("""[{"type": "of-tomorrow", "data": {"x": [{}]}}, {"data": {"memdev": {"size": 7}, "size": 134217728}, "type": "dimm"}]""", 4224)]
    [InlineData("[]", 4224)]
    [InlineData("""[{"type": "dimm", "data": {"size": -1}}]""", 4224)]
    [InlineData("""[{"type": "dimm", "data": {"size": 18446744073709551615}}]""", 4224)]
    [InlineData("""[{"type": "dimm", "data": {"size": 9223372036854775807}}, {"type": "dimm", "data": {"size": 9223372036854775807}}]""", 4224)]
    [InlineData("""[{"type": "virtio-mem", "data": {"size": 1}}]""", 4224)]
    public async Task Other_kinds_count_as_QEMU_counts_them(string answer, ulong maximum)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Dimms.Add(128 * MiB);
        fake.On("query-memory-devices", FakeQmp.Return(answer));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(maximum * 1024, (await session.Domain.GetInfoAsync(Token)).MaxMemoryKiB);
    }

    /// <summary>libvirt refuses it too.</summary>
    [Fact]
    public async Task No_balloon_is_set_to_what_only_virtio_mem_could_give()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Dimms.Add(512 * MiB);
        fake.Guest.VirtioMem.Add((128 * MiB, 256 * MiB));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        await session.SetMemoryAsync(4608 * 1024);
        LibvirtException error = await session.SetMemoryAsync((4608 * 1024) + 1).FailsAsync(ErrorCode.InvalidArgument);
        Assert.Equal("invalid argument: cannot set memory higher than max memory", error.Message);
    }

    /// <summary>A guest with deflate-on-oom counts what its balloon holds as used; virtio-mem is in no balloon.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(512, 0)]
    [InlineData(0, 128)]
    [InlineData(512, 128)]
    public async Task What_the_balloon_holds_is_counted_without_virtio_mem(ulong dimm, ulong virtioMem)
    {
        const ulong held = 96;
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.DeflatesOnOom = true;
        fake.Guest.MemoryBytes = 256 * MiB;
        fake.Guest.ActualBytes = (256 + dimm - held) * MiB;
        if (dimm > 0)
            fake.Guest.Dimms.Add(dimm * MiB);
        if (virtioMem > 0)
            fake.Guest.VirtioMem.Add((virtioMem * MiB, 2 * virtioMem * MiB));
        fake.Guest.Report(1_700_000_000, 0);
        fake.Guest.Stats["stat-total-memory"] = $"{(256 + dimm + virtioMem) * MiB}";
        fake.Guest.Stats["stat-available-memory"] = $"{(128 - held) * MiB}";
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        UsedMemory expected = new((128 + dimm + virtioMem) * 1024, UsedMemoryFormula.AvailableMinusUsableMinusBalloon);
        Assert.Equal(expected, (await session.SampleAsync()).Used);
    }

    private async Task CheckAsync(FakeSession session, ulong maximumMib, ulong currentMib, ulong balloonMib)
    {
        (ulong maximum, ulong current) = (maximumMib * 1024, currentMib * 1024);
        IReadOnlyList<TypedParameter> stats = Assert.Single(
            await session.Connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token)).Parameters;
        Assert.Equal([$"balloon.current={current}", $"balloon.maximum={maximum}"], stats.Take(2).Select(field => field.ToString()));
        DomainInfo info = await session.Domain.GetInfoAsync(Token);
        Assert.Equal((maximum, current), (info.MaxMemoryKiB, info.MemoryKiB));
        Assert.Equal((maximum, current), await XmlSizesAsync(session));
        Assert.Contains(new MemoryStat(MemoryStatTag.ActualBalloon, balloonMib * 1024), await session.StatsAsync());
    }

    private static async Task<(ulong? Maximum, ulong? Current)> XmlSizesAsync(FakeSession session)
    {
        XElement xml = XElement.Parse(await session.Domain.GetXmlAsync(cancellationToken: Token));
        return ((ulong?)xml.Element("memory"), (ulong?)xml.Element("currentMemory"));
    }
}
