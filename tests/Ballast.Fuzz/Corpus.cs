using System.Reflection;
using System.Security.Cryptography;

namespace Ballast.Fuzz;

/// <summary>Inputs on disk: those to begin with, and those that failed.</summary>
internal static class Corpus
{
    private const int HashCharacters = 12;

    private static readonly string Root =
        typeof(Corpus).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(data => data.Key == "RepositoryRoot").Value!;

    /// <summary>The target's inputs, in an order that is always the same, as a seed's inputs depend on it.</summary>
    public static IReadOnlyList<(string Name, byte[] Input)> Of(FuzzTarget target)
    {
        string directory = Path.Combine(Root, "tests", "Ballast.Fuzz", "Corpus", target.Name);
        string[] files = Directory.Exists(directory) ? Directory.GetFiles(directory) : [];
        Array.Sort(files, StringComparer.Ordinal);
        return
        [
            .. files.Select(file => (file, File.ReadAllBytes(file))),
            .. target.Seeds.Select((seed, number) => ($"seed {number}", seed)),
        ];
    }

    /// <summary>Writes the target's inputs, a file each, for a fuzzer that takes a directory.</summary>
    public static void Write(FuzzTarget target, string directory)
    {
        _ = Directory.CreateDirectory(directory);
        foreach (byte[] input in Of(target).Select(entry => entry.Input).Where(input => input.Length > 0))
            File.WriteAllBytes(Path.Combine(directory, HashOf(input)), input);
    }

    /// <summary>Keeps an input that failed, and returns where.</summary>
    public static string Save(FuzzTarget target, byte[] input)
    {
        string path = Path.Combine(Directory.CreateDirectory(Path.Combine(Root, "artifacts", "fuzz")).FullName, $"{target.Name}-{HashOf(input)}");
        File.WriteAllBytes(path, input);
        return path;
    }

    private static string HashOf(byte[] input) => Convert.ToHexStringLower(SHA256.HashData(input))[..HashCharacters];
}
