using System.Globalization;
using Ballast.Balance.Simulation;

namespace Ballast.Guests.Scenarios;

/// <summary>Random scenarios for the simulator: for a seed, the one that <c>tests/balance/reference/generate.py</c> makes.</summary>
public static class GeneratedScenario
{
    private const int Seconds = 1800;

    /// <summary>The scenario of a seed.</summary>
    public static Scenario Create(int seed)
    {
        PythonRandom random = new((uint)seed);
        GuestScenario[] guests = new GuestScenario[random.Choice(2, 3, 4, 6, 8, 12, 20, 40)];
        for (int i = 0; i < guests.Length; i++)
            guests[i] = Guest(random, i);
        double need = 0;
        for (int time = 0; time < Seconds; time += 30)
        {
            double all = 0;
            foreach (GuestScenario guest in guests)
                all += guest.Anonymous.At(time) + guest.Hot.At(0);
            need = Math.Max(need, all);
        }

        return new Scenario
        {
            About = string.Create(CultureInfo.InvariantCulture, $"random, seed {seed}"),
            Memory = Math.Round((need * random.Uniform(0.95, 1.5)) + 400),
            Overhead = 300,
            Seconds = Seconds,
            Guests = guests,
        };
    }

    private static GuestScenario Guest(PythonRandom random, int number)
    {
        int size = random.Choice(1024, 2048, 4096, 4096, 8192, 16384);
        (double Time, double Value)[] anonymous = [.. Load(random, size).Select(point => (point.Time, Round(point.Value)))];
        int data = random.Choice(100, 400, 1500, 6000, 20000);
        double hot = Round(Math.Min(data, random.Choice(20, 60, 150, 0.25 * size)));
        double luck = random.Random();
        double? silentFrom = luck < 0.05 ? random.Range(100, Seconds) : null;
        double? deafFrom = luck is >= 0.05 and < 0.08 ? random.Range(100, Seconds) : null;
        double claims = luck is >= 0.08 and < 0.11 ? random.Choice(0.33, 0.5, 2, 4) : 1;
        double shared = random.Random() < 0.10 ? Round(0.5 * anonymous[0].Value) : 0;
        return new GuestScenario
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"g{number}"),
            Maximum = size,
            Minimum = Math.Max(256, size / 8),
            Anonymous = new TimeSeries(anonymous),
            Hot = TimeSeries.Constant(hot),
            Data = data,
            SilentFrom = silentFrom,
            DeafFrom = deafFrom,
            Claims = claims,
            Shared = TimeSeries.Constant(shared),
            TotalStays = random.Random() < 0.20,
        };
    }

    /// <summary>The memory of one guest's programs over time.</summary>
    private static List<(double Time, double Value)> Load(PythonRandom random, double size)
    {
        double basis = random.Uniform(0.08, 0.35) * size;
        return random.Choice("steady", "step", "waves", "spikes", "walk", "walk") switch
        {
            "steady" => [(0, basis)],
            "step" => Step(random, basis, size),
            "waves" => Waves(random, basis, size),
            "spikes" => Spikes(random, basis, size),
            _ => Walk(random, basis, size),
        };
    }

    private static List<(double Time, double Value)> Step(PythonRandom random, double basis, double size)
    {
        int time = random.Range(60, Seconds - 60);
        return [(time - 1, basis), (time, High(random, size))];
    }

    private static List<(double Time, double Value)> Waves(PythonRandom random, double basis, double size)
    {
        double period = random.Uniform(200, 1500), high = High(random, size), phase = random.Random();
        List<(double Time, double Value)> points = [];
        for (int time = 0; time <= Seconds; time += 15)
            points.Add((time, basis + ((high - basis) * (0.5 + (0.5 * Math.Sin(2 * Math.PI * ((time / period) + phase)))))));
        return points;
    }

    private static List<(double Time, double Value)> Spikes(PythonRandom random, double basis, double size)
    {
        List<(double Time, double Value)> points = [(0, basis)];
        int time = random.Range(30, 200);
        while (time < Seconds - 200)
        {
            double high = High(random, size);
            int length = random.Range(10, 150);
            points.AddRange([(time - 1, basis), (time, high), (time + length, high), (time + length + 1, basis)]);
            time += length + random.Range(60, 500);
        }

        return points;
    }

    private static List<(double Time, double Value)> Walk(PythonRandom random, double basis, double size)
    {
        List<(double Time, double Value)> points = [];
        double value = basis;
        for (int time = 0; time <= Seconds; time += 20)
        {
            double step = value * Math.Exp(random.Gauss(0, 0.12));
            value = Math.Min(0.85 * size, Math.Max(0.05 * size, step * (random.Random() < 0.01 ? 2.5 : 1)));
            points.Add((time, value));
        }

        return points;
    }

    private static double High(PythonRandom random, double size) => random.Uniform(0.4, 0.85) * size;

    // To one digit, as Python does: by the exact value of the binary number, and to the even one where that lies in the middle.
    private static double Round(double value)
    {
        const string half = "5";
        string digits = value.ToString("F60", CultureInfo.InvariantCulture);
        int point = digits.IndexOf('.', StringComparison.Ordinal);
        decimal down = decimal.Parse(digits[..(point + 2)], CultureInfo.InvariantCulture);
        string rest = digits[(point + 2)..].TrimEnd('0');
        bool isOdd = (digits[point + 1] - '0') % 2 == 1;
        bool isUp = rest == half ? isOdd : string.CompareOrdinal(rest, half) > 0;
        return (double)(isUp ? down + 0.1m : down);
    }
}
