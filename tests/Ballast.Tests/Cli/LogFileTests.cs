using Ballast.Cli.Log;
using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>The file of <c>--log</c>, which several programs may share.</summary>
public sealed class LogFileTests
{
    [Fact]
    public void Each_line_goes_behind_what_others_have_written_and_behind_what_is_left_of_a_file()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("log");
        using LogFile one = LogFile.TryOpen(path)!, other = LogFile.TryOpen(path)!;
        for (int i = 0; i < 100; i++)
        {
            one.Write(default, "one", LogLevels.Info, $"first {i}");
            other.Write(default, "other", LogLevels.Info, $"second {i}");
        }

        Assert.Equal(
            Enumerable.Range(0, 100).SelectMany(i => (string[])[$"first {i}", $"second {i}"]),
            File.ReadLines(path).Select(line => string.Join(' ', line.Split(' ')[^2..])));
        using (FileStream cut = File.OpenWrite(path))
            cut.SetLength(0);
        one.Write(default, "one", LogLevels.Info, "after");
        Assert.DoesNotContain('\0', File.ReadAllText(path));
        Assert.Null(LogFile.TryOpen(directory.Path));
    }
}
