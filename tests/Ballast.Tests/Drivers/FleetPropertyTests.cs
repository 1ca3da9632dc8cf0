using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers;

/// <summary>What must be true of every simulated guest, whatever its seed, the time, and what was set.</summary>
public class FleetPropertyTests
{
    [Fact]
    public async Task Any_guest_is_consistent_at_any_time() =>
        await Gen.Select(Gen.ULong, Gen.Int[1, 1000], Gen.UInt[10_000_000, uint.MaxValue], Gen.Int[0, 100_000], Gen.Int[0, 90]).SampleAsync(async (seed, id, start, wait, percent) =>
        {
            FakeTimeProvider time = new(DateTimeOffset.UnixEpoch.AddSeconds(start));
            await using Connection connection = await Connection.OpenAsync($"test:///fleet?domains=1000&seed={seed}", new ConnectionOptions { TimeProvider = time }, Token);
            Domain domain = await connection.LookupByIdAsync(id, Token);
            bool isLying = domain.Name.StartsWith("lying", StringComparison.Ordinal);
            MemoryStats? earlier = null;
            for (int step = 0; step < 4; step++)
            {
                MemoryStats sample = await domain.GetMemoryStatsAsync(MemoryStatsOptions.Extended, Token);
                Check(await domain.GetInfoAsync(Token), sample, earlier, isLying, time.GetUtcNow());
                await CheckPrefixesAsync(domain, sample);
                earlier = sample;
                if (step == 0)
                    await domain.SetPeriodAsync(wait % 7, cancellationToken: Token);
                if (step == 1)
                    await domain.SetMemoryAsync(1 + (await domain.GetMaxMemoryAsync(Token) * (ulong)percent / 90 * 89 / 90), cancellationToken: Token);
                time.Advance(TimeSpan.FromSeconds(step == 2 ? wait : wait % 5));
            }
        }, iter: 500);

    private static void Check(DomainInfo info, MemoryStats sample, MemoryStats? earlier, bool isLying, DateTimeOffset now)
    {
        Assert.All(sample.Entries, entry => Assert.True(entry.Value != ulong.MaxValue && (entry.Tag.Unit() != MemoryStatUnit.KiB || entry.Value < 1ul << 53)));
        Assert.Equal(info.MemoryKiB, sample.ActualKiB);
        Assert.True(info.MemoryKiB <= info.MaxMemoryKiB && info.MemoryKiB % 4 == 0);
        Assert.True(sample.RssKiB > 0 && sample[MemoryStatTag.LastUpdate] <= (ulong)now.ToUnixTimeSeconds());
        if (isLying)
            return;
        Assert.Equal(MemoryStatsInconsistency.None, sample.Inconsistencies);
        Assert.True(sample.UnusedKiB is null || (sample.UnusedKiB > 0 && sample.UnusedKiB + (sample.DiskCachesKiB ?? 0) < sample.AvailableKiB));
        foreach (MemoryStat entry in sample.Entries)
        {
            bool isCounter = entry.Tag is <= MemoryStatTag.MinorFault or MemoryStatTag.LastUpdate or >= MemoryStatTag.OomKills;
            Assert.False(isCounter && entry.Value < earlier?[entry.Tag], $"{entry.Tag} was {earlier?[entry.Tag]} and is {entry.Value}");
        }
    }

    private static async Task CheckPrefixesAsync(Domain domain, MemoryStats sample)
    {
        MemoryStat[] room = new MemoryStat[20];
        for (int length = 0; length <= room.Length; length++)
        {
            int count = await domain.FillMemoryStatsAsync(room.AsMemory(0, length), MemoryStatsOptions.Extended, Token);
            Assert.Equal(sample.Entries.Take(length), room[..count]);
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
