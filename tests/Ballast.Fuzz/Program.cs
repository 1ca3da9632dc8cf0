using System.Globalization;

namespace Ballast.Fuzz;

internal static class Program
{
    private const int Success = 0;
    private const int Failure = 1;
    private const int Misuse = 2;

    private const string Usage = """
        Ballast.Fuzz replay                         every file of the corpus
        Ballast.Fuzz replay TARGET FILE...          these files
        Ballast.Fuzz run TARGET|all --seconds N [--seed S]
        """;

    public static int Main(string[] arguments) => arguments switch
    {
        ["replay"] => Replay(FuzzTarget.All.SelectMany(target => Corpus.Of(target).Select(input => (target, input)))),
        ["replay", var name, .. var files] when FuzzTarget.Find(name) is { } target && files.Length > 0 =>
            Replay(files.Select(file => (target, (file, File.ReadAllBytes(file))))),
        ["run", var name, .. var options] when Targets(name) is { Length: > 0 } targets && TryRead(options, out var seconds, out var seed) =>
            Run(targets, seconds, seed),
        _ => Explain(),
    };

    private static FuzzTarget[] Targets(string name) =>
        name == "all" ? [.. FuzzTarget.All] : FuzzTarget.Find(name) is { } target ? [target] : [];

    private static int Replay(IEnumerable<(FuzzTarget Target, (string Name, byte[] Input) Input)> inputs)
    {
        int count = 0;
        foreach (var (target, (name, input)) in inputs)
        {
            count++;
            if (new Fuzzer(target).Replay(input) is { } failure)
            {
                Console.WriteLine($"{target.Name}: {name} fails: {failure.Error}");
                return Failure;
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} inputs replayed, no failure"));
        return Success;
    }

    private static int Run(FuzzTarget[] targets, double seconds, int seed)
    {
        int status = Success;
        foreach (var target in targets)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{target.Name}: seed {seed}, {seconds} s"));
            var result = new Fuzzer(target).Run(seed, TimeSpan.FromSeconds(seconds));
            Console.WriteLine(result);
            if (result.Failure is not null)
                status = Failure;
        }

        return status;
    }

    private static bool TryRead(string[] options, out double seconds, out int seed)
    {
        seconds = 20;
        seed = Random.Shared.Next();
        for (int i = 0; i < options.Length; i += 2)
        {
            bool valid = i + 1 < options.Length && options[i] switch
            {
                "--seconds" => double.TryParse(options[i + 1], CultureInfo.InvariantCulture, out seconds),
                "--seed" => int.TryParse(options[i + 1], CultureInfo.InvariantCulture, out seed),
                _ => false,
            };
            if (!valid)
                return false;
        }

        return seconds is > 0 and < 86400;
    }

    private static int Explain()
    {
        Console.Error.WriteLine(Usage);
        Console.Error.WriteLine($"targets: {string.Join(", ", FuzzTarget.All.Select(target => target.Name))}");
        return Misuse;
    }
}
