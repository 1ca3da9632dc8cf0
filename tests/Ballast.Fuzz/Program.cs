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
        Ballast.Fuzz targets                        their names
        Ballast.Fuzz prepare TARGET DIRECTORY       what afl-fuzz begins with
        Ballast.Fuzz afl TARGET                     what afl-fuzz runs
        To fuzz: tests/fuzz
        """;

    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["replay"]:
                return Replay(FuzzTarget.All.SelectMany(target => Corpus.Of(target).Select(input => (target, input))));
            case ["replay", var name, .. var files] when FuzzTarget.Find(name) is { } target && files.Length > 0:
                return Replay(files.Select(file => (target, (file, File.ReadAllBytes(file)))));
            case ["targets"]:
                Console.WriteLine(string.Join('\n', FuzzTarget.All.Select(target => target.Name)));
                return Success;
            case ["prepare", var name, var directory] when FuzzTarget.Find(name) is { } target:
                AflFuzzing.Prepare(target, directory);
                return Success;
            case ["afl", var name]:
                AflFuzzing.Run(name);
                return Success;
            default:
                Console.Error.WriteLine(Usage);
                Console.Error.WriteLine($"targets: {string.Join(", ", FuzzTarget.All.Select(target => target.Name))}");
                return Misuse;
        }
    }

    private static int Replay(IEnumerable<(FuzzTarget Target, (string Name, byte[] Input) Input)> inputs)
    {
        int count = 0, status = Success;
        foreach (var (target, (name, input)) in inputs)
        {
            count++;
            if (new Fuzzer(target).Replay(input) is not { } failure)
                continue;
            Console.WriteLine($"{target.Name}: {name} fails: {failure.Error}");
            status = Failure;
        }

        if (status == Success)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} inputs replayed, no failure"));
        return status;
    }
}
