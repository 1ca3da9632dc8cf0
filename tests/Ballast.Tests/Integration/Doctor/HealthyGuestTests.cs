using Ballast.Guests;

namespace Ballast.Tests.Integration.Doctor;

/// <summary>Healthy guests of all kinds on real QEMUs: <c>doctor</c> finds nothing.</summary>
[Trait("needs", "qemu")]
public sealed class HealthyGuestTests
{
    private const ulong MiB = 1 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Size, balloon's properties, collection period, used and cached MiB, swap ever used, and the balloon's size.</summary>
    public static TheoryData<int, string?, int, int, int, ulong, int> Variants => new(
        (32, null, 1, 8, 2, 0, 0), (64, null, 2, 20, 5, 0, 0), (128, null, 1, 60, 60, 0, 0), (256, null, 5, 100, 20, 0, 0),
        (512, null, 1, 100, 300, 0, 0), (1024, null, 10, 700, 200, 0, 0), (2048, null, 60, 300, 1600, 0, 0), (4096, null, 3600, 2500, 100, 0, 0),
        (128, "deflate-on-oom=on", 1, 40, 10, 0, 0), (128, "free-page-reporting=on", 1, 40, 10, 0, 0),
        (128, "deflate-on-oom=on,free-page-reporting=on", 2, 40, 10, 0, 0), (256, "deflate-on-oom=on", 2, 40, 10, 0, 64),
        (256, null, 2, 60, 10, 0, 64), (512, null, 2, 150, 100, 0, 128), (1024, null, 1, 300, 100, 0, 512), (256, null, 1, 60, 10, 4096, 0),
        (256, null, 1, 60, 10, 4096, 64), (128, null, 1, 90, 10, 0, 0), (256, "iothread=io0", 1, 60, 10, 0, 0), (256, null, 86399, 60, 10, 0, 0));

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Nothing_is_found(int mib, string? properties, int period, int used, int cached, ulong swapped, int balloon)
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(
            new DrivenGuestOptions
            {
                Name = "healthy",
                MemoryMib = mib,
                BalloonProperties = properties == "iothread=io0" ? "free-page-hint=on,iothread=io0" : properties,
                ExtraArguments = properties == "iothread=io0" ? ["-object", "iothread,id=io0"] : [],
            }, Token);
        OracleMonitor oracle = await guest.OracleAsync(Token);
        if (balloon > 0)
        {
            await guest.WriteActualPagesAsync((uint)balloon * 256, Token);
            await oracle.SetBalloonTargetAsync((long)((ulong)(mib - balloon) * MiB), Token);
        }

        await guest.AnswerPollsAsync(Report(mib - balloon, used, cached, swapped), Token);
        await oracle.SetPollingIntervalAsync(guest.BalloonPath, period, Token);
        await DoctorRun.IsWellAsync($"qmp://{guest.MonitorPath}", "healthy");
    }

    /// <summary>What a Linux reports.</summary>
    public static (ushort Tag, ulong Value)[] Report(int mib, int usedMib, int cachedMib = 0, ulong swappedKiB = 0)
    {
        ulong total = (ulong)mib * MiB * 98 / 100, usable = total - ((ulong)usedMib * MiB), cached = (ulong)cachedMib * MiB;
        return
        [
            (VirtioTag.SwapIn, 0), (VirtioTag.SwapOut, swappedKiB * 1024), (VirtioTag.MajorFaults, 100), (VirtioTag.MinorFaults, 100_000),
            (VirtioTag.FreeMemory, usable - Math.Min(usable, cached)), (VirtioTag.TotalMemory, total), (VirtioTag.AvailableMemory, usable), (VirtioTag.DiskCaches, cached),
            (VirtioTag.HugetlbAllocations, 0), (VirtioTag.HugetlbFailures, 0),
        ];
    }
}
