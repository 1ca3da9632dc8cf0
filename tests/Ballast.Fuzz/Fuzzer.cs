using System.Diagnostics;
using System.Globalization;

namespace Ballast.Fuzz;

/// <summary>An input and what is wrong with what came of it.</summary>
internal sealed record FuzzFailure(byte[] Input, Exception Error);

/// <summary>What a run of a target came to; an input that failed was kept in a file.</summary>
internal sealed record FuzzResult(
    FuzzTarget Target, int Seed, TimeSpan Elapsed, long Inputs, int Outcomes, FuzzFailure? Failure, string? SavedAs)
{
    public override string ToString()
    {
        string done = string.Create(CultureInfo.InvariantCulture,
            $"{Target.Name}: seed {Seed}, {Elapsed.TotalSeconds:0.0} s, {Inputs} inputs, {Outcomes} outcomes");
        return Failure is null
            ? $"{done}, no failure"
            : $"""
                {done}, FAILED: {Failure.Error}
                input: {SavedAs}
                replay: dotnet run -c Release --project tests/Ballast.Fuzz -- replay {Target.Name} {SavedAs}
                """;
    }
}

/// <summary>
/// Feeds a target with mutated inputs, always the same ones for the same seed and corpus. This is what the tests run for some
/// seconds, with nothing instrumented or installed; <c>tests/fuzz</c> watches the code's coverage, and finds more.
/// </summary>
internal sealed class Fuzzer(FuzzTarget target)
{
    // No parser of ours needs a millisecond; a machine that is busy with something else may take its time.
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(100);

    private const int MaxPool = 4096;

    private volatile byte[] _current = [];
    private long _currentSince;
    private volatile FuzzFailure? _failure;
    private long _inputs;

    /// <summary>Runs one input; null where all is well.</summary>
    public FuzzFailure? Replay(byte[] input)
    {
        Watch(() => _ = TryRun(input, out _));
        return _failure;
    }

    /// <summary>Runs the corpus and then mutated inputs for some time, or until one fails.</summary>
    public FuzzResult Run(int seed, TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        HashSet<int> outcomes = [];
        List<byte[]> pool = [];
        Watch(() =>
        {
            foreach ((_, byte[] input) in Corpus.Of(target))
            {
                if (!TryRun(input, out int outcome))
                    return;
                _ = outcomes.Add(outcome);
                pool.Add(input);
            }

            Mutator mutator = new(seed, target.Dictionary);
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                byte[] input = mutator.Mutate(pool);
                if (!TryRun(input, out int outcome))
                    return;
                if (outcomes.Add(outcome) && pool.Count < MaxPool)
                    pool.Add(input);
            }
        });
        string? path = _failure is { } failure ? Corpus.Save(target, failure.Input) : null;
        return new FuzzResult(target, seed, Stopwatch.GetElapsedTime(start), _inputs, outcomes.Count, _failure, path);
    }

    private bool TryRun(byte[] input, out int outcome)
    {
        _current = input;
        Volatile.Write(ref _currentSince, Stopwatch.GetTimestamp());
        _inputs++;
        try
        {
            outcome = target.Run(input);
            return true;
        }
        catch (Exception error)
        {
            outcome = 0;
            _failure ??= new FuzzFailure(input, error);
            return false;
        }
    }

    // On a thread of its own, which is left behind where it hangs.
    private void Watch(Action work)
    {
        Volatile.Write(ref _currentSince, Stopwatch.GetTimestamp());
        Thread thread = new(() => work()) { IsBackground = true, Name = $"fuzz {target.Name}" };
        thread.Start();
        while (!thread.Join(WatchInterval))
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _currentSince)) < HangLimit)
                continue;
            _failure ??= new FuzzFailure(_current, new FuzzException($"it did not end within {HangLimit.TotalSeconds} s"));
            return;
        }
    }
}
