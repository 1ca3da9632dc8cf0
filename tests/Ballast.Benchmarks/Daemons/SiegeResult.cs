using System.Globalization;
using Ballast.Guests;

namespace Ballast.Benchmarks.Daemons;

/// <summary>One attack: what the client had at peace, and under siege, and what the daemon took.</summary>
internal sealed class SiegeResult
{
    // What the daemon takes is not the same to the megabyte from one time to the next.
    private const long NoiseMib = 16;
    private const int NoiseDescriptors = 8;

    public List<CallerTimes> Reference { get; } = [];

    public List<CallerTimes> Siege { get; } = [];

    public List<string> AfterErrors { get; } = [];

    public DaemonSize Before { get; set; }

    public DaemonSize Most { get; set; }

    public DaemonSize After { get; set; }

    /// <summary>Seconds from SIGTERM, under attack, to the end.</summary>
    public double Terminate { get; set; }

    public bool IsBack => After.Mib <= Before.Mib + NoiseMib && After.Descriptors <= Before.Descriptors + NoiseDescriptors;

    public double[] ReferenceCalls => Calls(Reference);

    public double[] SiegeCalls => Calls(Siege);

    private static double[] Calls(List<CallerTimes> phases) => [.. phases.SelectMany(times => times.Calls).Order()];
}

/// <summary>What a daemon takes of the machine.</summary>
internal readonly record struct DaemonSize(long Mib, int Descriptors)
{
    public DaemonSize Or(DaemonSize other) => new(Math.Max(Mib, other.Mib), Math.Max(Descriptors, other.Descriptors));
}

/// <summary>One answer about all domains, and of how many healthy ones it told.</summary>
internal readonly record struct CallerAnswer(double Milliseconds, int Got);

/// <summary>What tests/siege/caller.c wrote.</summary>
/// <param name="Calls">Milliseconds of each call of one domain.</param>
/// <param name="Lists">The lists.</param>
/// <param name="Bulks">The statistics of all domains.</param>
/// <param name="Errors">What went wrong.</param>
internal sealed record CallerTimes(List<double> Calls, List<CallerAnswer> Lists, List<CallerAnswer> Bulks, List<string> Errors)
{
    public static CallerTimes Read(CommandResult result)
    {
        CallerTimes times = new([], [], [], []);
        if (result.ExitCode != 0)
            times.Errors.Add($"the client ended with status {result.ExitCode}: {result.Errors}");
        foreach (string line in result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            if (words[0] == "error")
            {
                times.Errors.Add(line);
                continue;
            }

            CallerAnswer answer = new(double.Parse(words[1], CultureInfo.InvariantCulture) / 1000, int.Parse(words[2], CultureInfo.InvariantCulture));
            if (words[0] == "call")
                times.Calls.Add(answer.Milliseconds);
            else
                (words[0] == "list" ? times.Lists : times.Bulks).Add(answer);
        }

        return times;
    }
}
