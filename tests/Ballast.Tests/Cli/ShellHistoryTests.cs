using Ballast.Cli;
using Ballast.Cli.Shell;
using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>The lines that were typed, whatever lies where they are kept.</summary>
public sealed class ShellHistoryTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    private string File => _directory.File("ballast/history");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_pipe_in_its_place_is_not_waited_for()
    {
        _ = Directory.CreateDirectory(_directory.File("ballast"));
        _ = await CliRun.ProcessAsync("mkfifo", [File], cancellationToken: TestContext.Current.CancellationToken);
        ShellHistory history = Open();
        Task<(int, bool)> using_ = Task.Run(() => (history.Read().Count, history.Add("uri")));
        Assert.Equal((0, true), await using_.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.DoesNotContain(Directory.GetFiles(_directory.File("ballast")), path => path != File);
    }

    [Theory]
    [InlineData(1000, 2200)]
    [InlineData(1000, 4000)]
    [InlineData(5000, 10)]
    [InlineData(5000, 4000)]
    [InlineData(1, 10_000_000)]
    public void The_last_thousand_lines_are_kept_however_long_they_are(int count, int length)
    {
        _ = Directory.CreateDirectory(_directory.File("ballast"));
        System.IO.File.WriteAllLines(File, Enumerable.Range(0, count).Select(i => $"{i} {new string('x', length)}").Append("last"));
        string[] read = [.. Open().Read()];
        Assert.Equal(("last", Math.Min(1000, count > 1 ? count + 1 : 1)), (read[^1], read.Length));
        Assert.True(Open().Add("more"));
        Assert.Equal("more", Open().Read()[^1]);
        Assert.InRange(new FileInfo(File).Length, 1, 2000 * 4096);
    }

    [Fact]
    public void An_empty_file_is_begun_and_another_is_made()
    {
        Assert.True(Open().Add("first"));
        Assert.Equal(["first"], Open().Read());
        System.IO.File.WriteAllText(File, "");
        Assert.True(Open().Add("again"));
        Assert.Equal(["again"], Open().Read());
    }

    private ShellHistory Open() => ShellHistory.Open(new CliHost(Stream.Null, Stream.Null) { Variable = name => name == "XDG_STATE_HOME" ? _directory.Path : null });
}
