using System.Globalization;
using Ballast.Balance.Simulation;

namespace Ballast.Guests.Scenarios;

/// <summary>
/// Scenarios by hand, in families: what happens on hosts, and what is hard on a policy, each with hosts that are too small for it, just
/// large enough, and roomy. Random scenarios hardly ever have equal guests that are short together, or many that are silent.
/// </summary>
public sealed class ScenarioFamilies
{
    private const int Seconds = 1800;
    private const double Overhead = 300, Reserve = 32, Spare = 400;

    // The host's memory beyond its overhead, as a share of what guests need at most at one time.
    private static readonly double[] Rooms = [0.9, 0.97, 1, 1.05, 1.2, 1.5, 3];

    private readonly LoadShape _load;
    private readonly double _size;

    private ScenarioFamilies(double pace, double size) => (_load, _size) = (new LoadShape(Seconds, pace, size), size);

    /// <summary>All scenarios.</summary>
    /// <param name="pace">All phases take so many times as long: other scenarios of the same kind.</param>
    /// <param name="size">All sizes are so many times as large.</param>
    public static IReadOnlyList<FamilyScenario> All(double pace = 1, double size = 1)
    {
        ScenarioFamilies families = new(pace, size);
        return
        [
            .. families.Guests().SelectMany(family => Rooms.Select(room => new FamilyScenario(family.Name, Text(room), WithRoom(room, family.Guests))))
                .Concat(families.LittleAboveMinima())

                // Nobody can keep minima that exceed the budget.
                .Where(one => one.Scenario.Guests.Sum(guest => guest.Minimum) <= one.Scenario.Memory - Overhead - Reserve),
        ];
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static Scenario WithRoom(double room, IReadOnlyList<GuestScenario> guests)
    {
        double need = Enumerable.Range(0, Seconds).Max(time => guests.Sum(guest => guest.Anonymous.At(time) + guest.Hot.At(time)));
        return OnHost(Math.Round((need * room) + Spare), guests);
    }

    private static Scenario OnHost(double memory, IReadOnlyList<GuestScenario> guests) =>
        new() { Memory = memory, Overhead = Overhead, Reserve = Reserve, Seconds = Seconds, Guests = guests };

    private static GuestScenario[] Many(int count, Func<int, GuestScenario> guest) => [.. Enumerable.Range(0, count).Select(guest)];

    private IEnumerable<(string Name, GuestScenario[] Guests)> Guests() =>
        [.. Alike(), .. Unequal(), .. Growing(), .. Alone(), .. WithFiles(), .. Silent(), .. Deaf(), .. Peculiar()];

    // Equal guests, which are short together where the host is small.
    private IEnumerable<(string Name, GuestScenario[] Guests)> Alike() =>
    [
        ("many waves", Many(60, i => Guest($"g{i}", 1024, _load.Waves(150, 600, 300 + (11 * i), i * 0.17)))),
        ("many spikes", Many(40, i => Guest($"g{i}", 2048, _load.Bursts(200, 1500, 60, 400, 10 * i)))),
        ("all idle", Many(10, i => Guest($"g{i}", 2048, _load.Constant(100), hot: 20, minimum: 64))),
        ("burst together", Many(8, i => Guest($"g{i}", 2048, _load.Bursts(200, 1200, 200, 600, 300)))),
        ("burst in turns", Many(5, i => Guest($"g{i}", 4096, _load.Bursts(300, 3000, 150, 900, 30 + (170 * i))))),
        ("ramps in turns", Many(4, i => Guest($"g{i}", 4096, Ramp(200 + (300 * i))))),
        ("teeth of 9 s", Many(4, i => Guest($"g{i}", 2048, _load.Teeth(300, 1400, 9, 2 * i)))),
        ("teeth of 19 s", Many(4, i => Guest($"g{i}", 2048, _load.Teeth(300, 1400, 19, 5 * i)))),
        ("teeth of 60 s", Many(4, i => Guest($"g{i}", 2048, _load.Teeth(300, 1400, 60, 15 * i)))),
        ("pulses of 4 s", Many(4, i => Guest($"g{i}", 2048, _load.Bursts(300, 1400, 4, 9, 2 + (2 * i))))),
        ("pulses of 13 s", Many(4, i => Guest($"g{i}", 2048, _load.Bursts(300, 1400, 13, 30, 2 + (7 * i))))),
    ];

    // Day and night, and guests of many sizes.
    private IEnumerable<(string Name, GuestScenario[] Guests)> Unequal() =>
    [
        ("many steady", Many(60, i => Guest($"g{i}", 1024, _load.Constant(150 + (7 * i))))),
        ("burst together, sizes", Many(8, i => Guest($"g{i}", 512 << (i % 4), _load.Bursts(60 << (i % 4), 350 << (i % 4), 200, 600, 300 + i)))),
        ("day and night", Many(6, i => Guest($"g{i}", 4096, _load.Waves(400, 2800, 1800, i < 3 ? 0 : 0.5)))),
        ("giant and two small", [
            Guest("big", 65536, _load.Waves(6000, 40000, 900, 0), hot: 500, data: 6000),
            Guest("small", 256, _load.Constant(120), hot: 20, data: 100, minimum: 64),
            Guest("small2", 256, _load.Bursts(60, 200, 50, 200, 100), hot: 10, data: 100, minimum: 64)]),
        ("giant and many small", [
            Guest("big", 65536, _load.Bursts(8000, 45000, 300, 900, 400), hot: 500, data: 6000),
            .. Many(10, i => Guest($"s{i}", 256, _load.Waves(60, 200, 500, 0.1 * i), hot: 15, data: 100, minimum: 64))]),
    ];

    private IEnumerable<(string Name, GuestScenario[] Guests)> Growing() =>
    [
        ("leak", [
            Guest("leak", 4096, _load.Points((0, 300), (1500, 3600), (1501, 300))),
            .. Many(3, i => Guest($"g{i}", 2048, _load.Constant(800)))]),
        ("large minima", Many(4, i => Guest($"g{i}", 4096, OutOfStep(i), minimum: 1024))),
        ("start small", Many(4, i => Guest($"g{i}", 4096, OutOfStep(i)) with { Start = 512 * _size })),
    ];

    private IEnumerable<(string Name, GuestScenario[] Guests)> Alone() =>
    [
        ("one", [Guest("g", 4096, _load.Waves(500, 2500, 600, 0))]),
        ("one that leaks", [Guest("g", 4096, _load.Points((0, 300), (1800, 3500)))]),
    ];

    // Files that are read again, files that are not, and memory that looks like files.
    private IEnumerable<(string Name, GuestScenario[] Guests)> WithFiles() =>
    [
        ("files", [
            Guest("db", 4096, _load.Constant(600), hot: 2000, data: 6000),
            Guest("web", 4096, Web(), data: 400),
            Guest("batch", 4096, _load.Constant(300), hot: 30, data: 20000)]),
        ("equals full of files", Many(4, i => Guest($"g{i}", 4096, _load.Constant(500), hot: 900, data: 8000))),
        ("shared memory", [
            Guest("db", 4096, _load.Constant(2500)) with { Shared = _load.Constant(2000) },
            Guest("web", 4096, _load.Bursts(300, 2400, 200, 500, 150), data: 400),
            Guest("idle", 4096, _load.Constant(200), data: 6000)]),
    ];

    private IEnumerable<(string Name, GuestScenario[] Guests)> Silent() =>
    [
        ("silent, then grows", [
            Guest("quiet", 4096, _load.Points((0, 500), (899, 500), (900, 2500))) with { SilentFrom = 300 },
            Guest("web", 4096, _load.Waves(400, 2500, 500, 0)),
            Guest("idle", 4096, _load.Constant(300), data: 6000)]),
        ("silent and full of files", [
            Guest("quiet", 8192, _load.Constant(500), data: 20000) with { SilentFrom = 300 },
            Guest("web", 4096, _load.Waves(400, 2800, 500, 0)),
            Guest("idle", 4096, _load.Constant(300), data: 6000)]),
        ("all fall silent", Many(4, i => Guest($"g{i}", 4096, OutOfStep(i)) with { SilentFrom = 200 + (100 * i) })),
        ("all silent", Many(4, i => Guest($"g{i}", 4096, OutOfStep(i)) with { SilentFrom = 0 })),
    ];

    private IEnumerable<(string Name, GuestScenario[] Guests)> Deaf() =>
    [
        ("deaf while large", [Guest("deaf", 4096, _load.Constant(400)) with { DeafFrom = 5 }, .. Opposites()]),
        ("deaf while small", [Guest("deaf", 4096, Late()) with { DeafFrom = 300 }, .. Opposites()]),
        ("deaf and silent", [Guest("both", 4096, Late()) with { DeafFrom = 300, SilentFrom = 350 }, .. Opposites()]),
    ];

    // Liars, and guests whose memory size stays.
    private IEnumerable<(string Name, GuestScenario[] Guests)> Peculiar() =>
    [
        ("boasts", [Guest("liar", 4096, _load.Constant(400)) with { Claims = 4 }, .. Opposites()]),
        ("says too little", [Guest("liar", 4096, _load.Bursts(400, 2500, 300, 700, 200)) with { Claims = 0.33 }, .. Opposites()]),
        ("sizes that stay", Many(4, i => Guest($"g{i}", 4096, OutOfStep(i)) with { TotalStays = true })),
        ("some sizes stay", Many(4, i => Guest($"g{i}", 4096, OutOfStep(i)) with { TotalStays = i % 2 == 0 })),
    ];

    // Hosts that have little more than all minima.
    private IEnumerable<FamilyScenario> LittleAboveMinima()
    {
        foreach (int count in (int[])[2, 21, 40])
        {
            GuestScenario[] guests = Many(count, i => Guest($"g{i}", 2048, _load.Waves(100, 700, 600, 0.1 * i)));
            foreach (int extra in (int[])[10, 60, 200])
            {
                double memory = Overhead + Reserve + (_size * extra) + guests.Sum(guest => guest.Minimum);
                yield return new($"{count} at their minima", Text(extra), OnHost(memory, guests));
            }
        }
    }

    private TimeSeries OutOfStep(int number) => _load.Waves(400, 2500, 700, 0.25 * number);

    private TimeSeries Ramp(double from) => _load.Points((0, 300), (from, 300), (from + 200, 3000), (from + 220, 300));

    private TimeSeries Web() => _load.Bursts(300, 2000, 200, 500, 150);

    private TimeSeries Late() => _load.Bursts(300, 2500, 200, 600, 500);

    private GuestScenario[] Opposites() => [Guest("a", 4096, _load.Waves(400, 2500, 500, 0)), Guest("b", 4096, _load.Waves(400, 2500, 500, 0.5))];

    private GuestScenario Guest(string name, double maximum, TimeSeries anonymous, double hot = 50, double data = 1500, double? minimum = null) => new()
    {
        Name = name,
        Maximum = _size * maximum,
        Minimum = _size * (minimum ?? Math.Max(256, maximum / 8)),
        Anonymous = anonymous,
        Hot = TimeSeries.Constant(_size * Math.Min(hot, data)),
        Data = _size * data,
    };
}
