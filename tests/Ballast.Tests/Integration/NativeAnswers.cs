using System.Text.RegularExpressions;

namespace Ballast.Tests.Integration;

/// <summary>What <c>parity.c</c> printed twice, compared call by call.</summary>
internal static partial class NativeAnswers
{
    /// <summary>
    /// The calls that were answered otherwise than the list of differences says: those that are not in it, and those that are in
    /// it and are equal. Empty: none.
    /// </summary>
    /// <param name="theirs">libvirt's answers.</param>
    /// <param name="ours">Ours.</param>
    /// <param name="list">The list, a file of tests/native: on each line a call, and the reason why it differs.</param>
    /// <param name="token">Cancels the reading.</param>
    public static async Task<string> CompareAsync(string theirs, string ours, string list, CancellationToken token)
    {
        string[] expected =
        [
            .. (await File.ReadAllLinesAsync(Path.Combine(NativeProgram.Sources, list), token))
                .Where(line => line.Length > 0 && line[0] != '#')
                .Select(line => line.Split('\t')[0]),
        ];
        string[] left = Answers(theirs), right = Answers(ours);
        string[] others = [.. Others(left)], othersOfOurs = [.. Others(right)];
        Assert.Equal(others.Select(Call), othersOfOurs.Select(Call));
        return string.Concat(
        [
            .. others.Zip(othersOfOurs).Where(pair => pair.First != pair.Second).Select(pair => $"{pair.First}\n{pair.Second}\n"),
            .. expected.Where(call => Of(left, call).SequenceEqual(Of(right, call))).Select(call => $"no longer different: {call}\n"),
        ]);

        IEnumerable<string> Others(string[] answers) => answers.Where(answer => !expected.Contains(Call(answer)));

        static IEnumerable<string> Of(string[] answers, string call) => answers.Where(answer => Call(answer) == call);
    }

    // An answer is a line that begins with a call, and what follows it.
    private static string[] Answers(string output) => Beginning().Split(output)[1..];

    private static string Call(string answer) => answer.Split(" -> ", 2)[0];

    [GeneratedRegex(@"^(?=[a-z*])", RegexOptions.Multiline)]
    private static partial Regex Beginning();
}
