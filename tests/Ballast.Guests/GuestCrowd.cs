using System.Globalization;

namespace Ballast.Guests;

/// <summary>Many driven guests, whose monitors lie in one directory.</summary>
public sealed class GuestCrowd : IAsyncDisposable
{
    // More at a time would only be in each other's way.
    private const int AtATime = 4;

    private readonly PrivateDirectory _directory = new();

    private GuestCrowd()
    {
    }

    public IReadOnlyList<DrivenGuest> Guests { get; private set; } = [];

    /// <summary>Has one monitor of each guest.</summary>
    public string DirectoryPath => _directory.Path;

    public string MonitorPath(int index) => _directory.File($"{index}.sock");

    public static async Task<GuestCrowd> StartAsync(int count, CancellationToken cancellationToken = default)
    {
        GuestCrowd crowd = new();
        DrivenGuest?[] guests = new DrivenGuest?[count];
        try
        {
            ParallelOptions options = new() { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(Enumerable.Range(0, count), options, async (i, token) =>
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"crowd-{i:D3}");
                guests[i] = await DrivenGuest.StartAsync(
                    new DrivenGuestOptions
                    {
                        MemoryMib = 16,
                        Name = name,
                        Uuid = Guid.NewGuid(),
                        Monitors = 1,
                        ExtraArguments = ["-qmp", $"unix:{crowd.MonitorPath(i)},server=on,wait=off"],
                    }, token);
                await guests[i]!.ReportAsync(VirtioTag.Keys.Select((_, tag) => ((ushort)tag, (ulong)((tag + 1) << 20))), token);
            });
        }
        finally
        {
            crowd.Guests = [.. guests.OfType<DrivenGuest>()];
            if (crowd.Guests.Count < count)
                await crowd.DisposeAsync();
        }

        return crowd;
    }

    public async ValueTask DisposeAsync()
    {
        await Parallel.ForEachAsync(Guests, new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (guest, _) => await guest.DisposeAsync());
        _directory.Dispose();
    }
}
