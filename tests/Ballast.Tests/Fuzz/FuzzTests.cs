using Ballast.Fuzz;

namespace Ballast.Tests.Fuzz;

public sealed class FuzzTests
{
    // Of all targets together, so that a further one costs no time.
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(80) / FuzzTarget.All.Count;

    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_corpus_holds(string name)
    {
        var target = FuzzTarget.Find(name)!;
        var inputs = Corpus.Of(target);
        Assert.NotEmpty(inputs);
        Assert.All(inputs, input => Assert.Null(new Fuzzer(target).Replay(input.Input)?.Error));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    [Trait("speed", "slow")]
    public void Mutated_inputs_hold(string name)
    {
        var result = new Fuzzer(FuzzTarget.Find(name)!).Run(Random.Shared.Next(), Budget);
        Console.WriteLine($"fuzz {result}");
        Assert.Null(result.Failure?.Error);
    }

    [Fact]
    public void A_seed_makes_the_same_inputs_again()
    {
        byte[][] pool = [[.. "{\"return\": 1}"u8], [.. "{\"event\": \"STOP\", \"data\": {}}"u8]];
        byte[][] tokens = [[.. "stats"u8]];
        Mutator one = new(42, tokens), two = new(42, tokens), other = new(43, tokens);
        var inputs = Enumerable.Range(0, 1000).Select(_ => one.Mutate(pool)).ToArray();
        Assert.All(inputs, input => Assert.Equal(input, two.Mutate(pool)));
        Assert.Contains(inputs, input => !input.SequenceEqual(other.Mutate(pool)));
    }

    [Fact]
    public void What_a_target_throws_is_a_failure()
    {
        var failure = new Fuzzer(new Broken()).Replay([1]);
        Assert.IsType<IndexOutOfRangeException>(failure!.Error);
        Assert.Equal([1], failure.Input);
    }

    private sealed class Broken : FuzzTarget
    {
        public override string Name => "broken";

        public override IReadOnlyList<byte[]> Dictionary => [];

        public override int Run(byte[] input) => input[input.Length];
    }
}
