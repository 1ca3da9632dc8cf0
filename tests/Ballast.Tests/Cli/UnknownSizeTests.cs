using System.Text.Json;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Cli;

/// <summary>What nobody knows is not shown as something else.</summary>
public sealed class UnknownSizeTests
{
    [Theory]
    [InlineData("-17591917604864", "unknown")]
    [InlineData("1073741824", "1048576 KiB")]
    [InlineData("4294967296", "4194304 KiB")]
    public async Task Dominfo_marks_a_size_that_nobody_knows(string actual, string expected)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On("query-balloon", FakeQmp.Return($$"""{"actual": {{actual}}}"""));

        Outcome outcome = await CliRun.BallastAsync("-q", "-c", fake.Uri, "dominfo", "fake");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("Max memory:     4194304 KiB\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains($"Used memory:    {expected}\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_without_a_balloon_has_all_its_memory()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Balloon = null;

        Outcome outcome = await CliRun.BallastAsync("-q", "-c", fake.Uri, "dominfo", "fake");

        Assert.Contains("Used memory:    4194304 KiB\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_maximum_is_the_one_that_dominfo_shows()
    {
        Outcome info = await CliRun.BallastAsync("-q", "-c", "test:///default", "dominfo", "test");
        Outcome memory = await CliRun.BallastAsync("-q", "-c", "test:///default", "memory", "--json");

        Assert.Contains("Max memory:     8388608 KiB\n", info.Output, StringComparison.Ordinal);
        Assert.Contains("\"maximum_kib\": 8388608", memory.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_guest_in_JSON_says_why_it_cannot_be_asked_as_all_do()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On("guest-stats", FakeQmp.Return("[]"));

        Outcome outcome = await CliRun.BallastAsync("-q", "-c", fake.Uri, "dommemstat", "fake", "--json");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal("connection lost", JsonDocument.Parse(outcome.Output).RootElement.GetProperty("reason").GetString());
    }
}
