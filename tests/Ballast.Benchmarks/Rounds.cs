namespace Ballast.Benchmarks;

/// <summary>Measures several sides in turn, A B C, A B C, so that a noisy machine is noisy to all of them.</summary>
internal static class Rounds
{
    private const int WarmUpRounds = 3;

    /// <param name="rounds">How many rounds count.</param>
    /// <param name="sides">The sides; each returns what it took in one round, and must end by itself.</param>
    public static async Task<Samples[]> RunAsync(int rounds, params (string Name, Func<Task<double>> Measure)[] sides)
    {
        double[][] values = [.. sides.Select(_ => new double[rounds])];
        for (int round = -WarmUpRounds; round < rounds; round++)
        {
            for (int turn = 0; turn < sides.Length; turn++)
            {
                // Nobody is always the one who comes after the others.
                int i = (turn + round + WarmUpRounds) % sides.Length;
                double value = await sides[i].Measure();
                if (round >= 0)
                    values[i][round] = value;
            }
        }

        return [.. sides.Select((side, i) => new Samples(side.Name, values[i]))];
    }
}
