using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>What the guest uses, without what its balloon holds, for each kind of driver.</summary>
public sealed class UsedMemoryTests
{
    private const long Start = 1_700_000_000;
    private const ulong MiB = 1024 * 1024;

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(Start));

    // A guest of 256 MiB that uses 25 and whose balloon holds 96, or 16, less than the kernel keeps for itself.
    [Theory]
    [InlineData("Linux", false, 160, 138, 113, UsedMemoryFormula.AvailableMinusUsable)]
    [InlineData("Linux, deflate-on-oom", true, 160, 234, 113, UsedMemoryFormula.AvailableMinusUsableMinusBalloon)]
    [InlineData("Linux, deflate-on-oom, small balloon", true, 240, 234, 193, UsedMemoryFormula.AvailableMinusUsableMinusBalloon)]
    [InlineData("Linux, deflate-on-oom, empty balloon", true, 256, 234, 209, UsedMemoryFormula.AvailableMinusUsable)]
    [InlineData("Windows", false, 160, 255, 134, UsedMemoryFormula.AvailableMinusUsableMinusBalloon)]
    [InlineData("Windows, deflate-on-oom", true, 160, 255, 134, UsedMemoryFormula.AvailableMinusUsableMinusBalloon)]
    public async Task Of_each_kind_of_guest(string kind, bool deflates, ulong actual, ulong available, ulong usable, UsedMemoryFormula formula)
    {
        await using FakeQmp fake = Guest(kind, deflates, actual, available, usable);
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(new UsedMemory(25 * 1024, formula), (await session.SampleAsync()).Used);
    }

    [Theory]
    [InlineData("Linux", false, 160, 138, 113, UsedMemoryFormula.AvailableMinusUsable)]
    [InlineData("Linux, whose balloon grew since it reported", false, 160, 234, 209, UsedMemoryFormula.AvailableMinusUsable)]
    [InlineData("Linux, deflate-on-oom", true, 160, 234, 113, UsedMemoryFormula.AvailableMinusUsableMinusBalloon)]
    [InlineData("Linux, deflate-on-oom, small balloon", true, 240, 234, 193, UsedMemoryFormula.AvailableMinusUsableMinusBalloon)]
    [InlineData("Windows", false, 160, 255, 134, UsedMemoryFormula.AvailableMinusUsableMinusBalloon)]
    public async Task Of_a_QEMU_that_cannot_tell_what_the_driver_took(string kind, bool offers, ulong actual, ulong available, ulong usable, UsedMemoryFormula formula)
    {
        await using FakeQmp fake = Guest(kind, deflates: false, actual, available, usable);
        fake.Guest.OffersDeflate = offers;
        fake.On("x-query-virtio-status", FakeQmp.Error("CommandNotFound", "The command x-query-virtio-status has not been found"));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(new UsedMemory(25 * 1024, formula), (await session.SampleAsync()).Used);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_balloon_that_moved_since_the_report_is_counted_as_it_was_then(bool deflates)
    {
        await using FakeQmp fake = Guest("Linux", deflates, actual: 256, available: 234, usable: 209);
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        MemoryStats before = await session.SampleAsync();
        fake.Guest.ActualBytes = 160 * MiB;
        _time.Advance(TimeSpan.FromSeconds(2));

        MemoryStats after = await session.SampleAsync();

        Assert.Equal(160u * 1024, after.ActualKiB);
        Assert.Equal(before.Used, after.Used);
    }

    [Fact]
    public async Task What_a_guest_has_of_virtio_mem_is_no_sign_that_it_sees_all_its_memory()
    {
        // 96 MiB in the balloon, which the kernel took off, and 128 MiB of virtio-mem, which no balloon counts.
        await using FakeQmp fake = Guest("Windows", deflates: false, actual: 160, available: 138 + 128, usable: 113 + 128);
        fake.Guest.VirtioMem.Add((128 * MiB, 256 * MiB));
        fake.Guest.OffersDeflate = false;
        fake.On("x-query-virtio-status", FakeQmp.Error("CommandNotFound", "The command x-query-virtio-status has not been found"));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(new UsedMemory(25 * 1024, UsedMemoryFormula.AvailableMinusUsable), (await session.SampleAsync()).Used);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_older_QEMU_is_asked_once_what_its_device_offers_whether_it_can_say_or_not(bool canSay)
    {
        await using FakeQmp fake = Guest("Linux", deflates: false, actual: 160, available: 138, usable: 113);
        fake.On("x-query-virtio-status", FakeQmp.Error("CommandNotFound", "The command x-query-virtio-status has not been found"));
        fake.Guest.OffersDeflate = false;
        if (!canSay)
            fake.On("deflate-on-oom", FakeQmp.Error("GenericError", "Property 'virtio-balloon-pci.deflate-on-oom' not found"));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        for (int i = 0; i < 3; i++)
            Assert.NotNull((await session.SampleAsync()).Used);
        Assert.Equal(1, fake.CountOf("deflate-on-oom"));
    }

    private static FakeQmp Guest(string kind, bool deflates, ulong actual, ulong available, ulong usable)
    {
        FakeQmp fake = FakeQmp.Start();
        fake.Guest.MemoryBytes = 256 * MiB;
        fake.Guest.ActualBytes = actual * MiB;
        fake.Guest.DeflatesOnOom = deflates;
        fake.Guest.Stats["stat-total-memory"] = $"{available * MiB}";
        fake.Guest.Stats["stat-available-memory"] = $"{usable * MiB}";
        fake.Guest.Stats["stat-free-memory"] = $"{usable * MiB}";
        if (kind.StartsWith("Linux", StringComparison.Ordinal))
            fake.Guest.Stats["stat-htlb-pgalloc"] = "0";
        fake.Guest.LastUpdate = $"{Start}";
        return fake;
    }
}
