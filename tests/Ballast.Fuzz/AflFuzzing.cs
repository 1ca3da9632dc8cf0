using System.Text;

namespace Ballast.Fuzz;

/// <summary>A target as AFL++ runs it: <c>tests/fuzz</c> instruments the assemblies, and starts <c>afl-fuzz</c> on this program.</summary>
internal static class AflFuzzing
{
    // afl-fuzz refuses longer ones.
    private const int MaxToken = 128;

    /// <summary>
    /// Runs inputs from standard input for as long as <c>afl-fuzz</c> sends some; one, without it. They run in a process of
    /// their own, so that one that hangs, or overflows the stack, is a finding and not the end.
    /// </summary>
    public static void Run(string name)
    {
        // Instrumented code needs afl-fuzz's map, which is there only when the first input is: the targets use such code to be made.
        Lazy<FuzzTarget> target = new(() => FuzzTarget.Find(name) ?? throw new FuzzException($"there is no target {name}"));
        SharpFuzz.Fuzzer.OutOfProcess.Run(stream =>
        {
            using MemoryStream input = new();
            stream.CopyTo(input);
            _ = target.Value.Run(input.ToArray());
        });
    }

    /// <summary>Writes what a run begins with: the inputs to <c>corpus/</c>, the dictionary to <c>dictionary</c>.</summary>
    public static void Prepare(FuzzTarget target, string directory)
    {
        Corpus.Write(target, Path.Combine(directory, "corpus"));
        File.WriteAllLines(
            Path.Combine(directory, "dictionary"),
            target.Dictionary.Where(token => token.Length is > 0 and <= MaxToken).Select(token => $"\"{Escaped(token)}\""));
    }

    private static string Escaped(byte[] token)
    {
        StringBuilder text = new();
        foreach (byte value in token)
            _ = char.IsAsciiLetterOrDigit((char)value) ? text.Append((char)value) : text.Append($"\\x{value:x2}");
        return text.ToString();
    }
}
