using System.Text.Json;
using Ballast.Balance.Policies;
using Ballast.Guests;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Cli;

/// <summary><c>balance record</c> and <c>balance replay</c> on simulated guests.</summary>
public sealed class BalanceRecordTests : IDisposable
{
    private const string Fleet = "test:///fleet?domains=30&seed=5";

    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Path => _directory.File("host.rec");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_was_recorded_is_replayed_with_each_policy()
    {
        Outcome recorded = await RecordAsync("--samples", "3", "--period", "1");
        Assert.StartsWith($"{Path}: 3 samples of 30 guests in ", recorded.Output, StringComparison.Ordinal);
        Assert.Equal(("", 0), (recorded.Error, recorded.ExitCode));
        Assert.Equal("600\n", (await CliRun.ProcessAsync("stat", ["-c", "%a", Path], cancellationToken: Token)).Output);

        // As people read it.
        Outcome text = await CliRun.ProcessAsync("zcat", [Path], cancellationToken: Token);
        string[] lines = text.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((0, 5), (text.ExitCode, lines.Length));
        Assert.Equal((Fleet, "complete"), (Json(lines[0]).GetProperty("uri").GetString(), Json(lines[^1]).GetProperty("end").GetString()));

        Outcome replayed = await CliRun.BallastAsync(new FakeDriver(), "balance", "replay", Path);
        Assert.Equal(("", 0), (replayed.Error, replayed.ExitCode));
        Assert.Contains(": 3 samples of 30 guests, one every ", replayed.Output, StringComparison.Ordinal);
        Assert.All(BalloonPolicies.Names, policy => Assert.Contains($"\n {policy} ", replayed.Output, StringComparison.Ordinal));
        Outcome one = await CliRun.BallastAsync(new FakeDriver(), "balance", "replay", Path, "--policy", "ballast", "--budget", "40G");
        Assert.Contains("\n idle-00001 ", one.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Documents_have_the_documented_members()
    {
        _ = await RecordAsync("--samples", "2", "--period", "1");
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "-q", "balance", "replay", Path, "--json", "--period", "10");
        JsonElement[] results = [.. outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Json)];
        Assert.Equal(BalloonPolicies.Names, results.Select(result => result.GetProperty("policy").GetString()));
        string section = (await File.ReadAllTextAsync(System.IO.Path.Combine(NativeProgram.Root, "docs/cli-json.md"), Token)).Split("## balance replay")[1].Split("\n## ")[0];
        string[][] tables = [.. section.Split("| member |").Skip(1).Select(table =>
            table.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).SelectMany(line => line.Split('|')[1].Split('`').Where((_, i) => i % 2 == 1)).ToArray())];
        Assert.Equal(4, tables.Length);
        Assert.Equal(tables[0], Names(results[0]));
        Assert.Equal(tables[1], Names(results[0].GetProperty("record")));
        Assert.All(results[0].GetProperty("guests").EnumerateArray(), guest => Assert.Equal(tables[2], Names(guest)));
        Assert.Equal(["name", "time", "seconds", "wish_mib", "needed_mib", "reason"], tables[3]);
    }

    [Fact]
    public async Task The_format_is_documented()
    {
        _ = await RecordAsync("--samples", "1");
        Outcome text = await CliRun.ProcessAsync("zcat", [Path], cancellationToken: Token);
        string section = (await File.ReadAllTextAsync(System.IO.Path.Combine(NativeProgram.Root, "docs/balance-files.md"), Token)).Split("## Records")[1].Split("\n## ")[0];
        foreach (JsonElement line in text.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Json))
        {
            Assert.All(Names(line), name => Assert.Contains($"`{name}`", section, StringComparison.Ordinal));
            if (!line.TryGetProperty("guests", out JsonElement guests))
                continue;
            Assert.All(guests.EnumerateArray().SelectMany(Names).Concat(Names(line.GetProperty("host"))).Distinct(), name => Assert.Contains($"`{name}`", section, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_file_that_exists_is_not_replaced_unless_that_is_asked_for()
    {
        await File.WriteAllTextAsync(Path, "precious", Token);
        Outcome refused = await RecordAsync("--samples", "1");
        Assert.Equal(($"error: {Path} exists; name another file, or replace it with --force\n", 1), (refused.Error, refused.ExitCode));
        Assert.Equal("precious", await File.ReadAllTextAsync(Path, Token));

        // Where nothing can be recorded, nothing is lost.
        Outcome failed = await CliRun.BallastAsync("-c", Fleet, "balance", "record", Path, "--force", "--cgroup", "x");
        Assert.Contains("there is no memory control group 'x'", failed.Error, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(Path, Token));
        Assert.Equal(0, (await RecordAsync("--samples", "1", "--force")).ExitCode);
        Assert.NotEqual("precious", await File.ReadAllTextAsync(Path, Token));
    }

    [Fact]
    public async Task What_takes_the_place_of_an_old_file_or_link_is_new_and_its_users_alone()
    {
        await File.WriteAllTextAsync(Path, "precious", Token);
        Assert.Equal(0, (await CliRun.ProcessAsync("chmod", ["644", Path], cancellationToken: Token)).ExitCode);
        Assert.Equal(("", 0), await ForcedAsync());
        Assert.Equal("600\n", (await CliRun.ProcessAsync("stat", ["-c", "%a", Path], cancellationToken: Token)).Output);

        // Somebody laid a link there.
        string target = _directory.File("target");
        await File.WriteAllTextAsync(target, "precious", Token);
        foreach (string leads in (string[])[target, _directory.File("nowhere")])
        {
            File.Delete(Path);
            _ = File.CreateSymbolicLink(Path, leads);
            Assert.Equal(("", 0), await ForcedAsync());
            Assert.Null(new FileInfo(Path).LinkTarget);
            Assert.True(new FileInfo(Path).Length > 0);
        }

        Assert.Equal("precious", await File.ReadAllTextAsync(target, Token));
        Assert.False(File.Exists(_directory.File("nowhere")));

        // Devices stay what they are.
        Outcome device = await CliRun.BallastAsync("-c", Fleet, "balance", "record", "/dev/null", "--force", "--samples", "1");
        Assert.Equal(("", 0), (device.Error, device.ExitCode));

        async Task<(string Error, int ExitCode)> ForcedAsync()
        {
            Outcome outcome = await RecordAsync("--samples", "1", "--force");
            return (outcome.Error, outcome.ExitCode);
        }
    }

    [Fact]
    public async Task Nobody_takes_the_file_of_a_record_that_goes_on()
    {
        using CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<Outcome> recording = CliRun.BallastAsync(["-c", Fleet, "balance", "record", Path, "--period", "600"], open: null, cancellationToken: interrupt.Token);
        await Deadline.UntilAsync(Deadline.Default, "a sample", _ => Task.FromResult(File.Exists(Path) && new FileInfo(Path).Length > 2000), Token);
        Outcome other = await RecordAsync("--samples", "1", "--force");
        Assert.StartsWith($"error: cannot write {Path}: ", other.Error, StringComparison.Ordinal);
        await interrupt.CancelAsync();
        Assert.Equal(0, (await recording).ExitCode);
        Assert.EndsWith(",\"end\":\"interrupted\"}\n", (await CliRun.ProcessAsync("zcat", [Path], cancellationToken: Token)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_ends_it_even_where_nobody_reads_the_pipe_any_more()
    {
        Assert.Equal(0, (await CliRun.ProcessAsync("mkfifo", [Path], cancellationToken: Token)).ExitCode);
        using CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<Outcome> recording = CliRun.BallastAsync(
            ["-c", "test:///fleet?domains=5000&seed=5", "balance", "record", Path, "--force", "--period", "600"], open: null, cancellationToken: interrupt.Token);
        using FileStream reader = await Task.Run(() => new FileStream(Path, new FileStreamOptions { Share = FileShare.ReadWrite, BufferSize = 0 }), Token).WaitAsync(Token);

        // The sample has begun, and is larger than a pipe holds.
        _ = await Task.Run(() => reader.ReadAtLeast(new byte[1000], 1000), Token).WaitAsync(Token);
        await interrupt.CancelAsync();
        Outcome outcome = await recording.WaitAsync(Deadline.Default, Token);
        Assert.StartsWith($"error: cannot write {Path}: no program reads it", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.ExitCode);
    }

    [Fact]
    public async Task The_period_of_a_replay_is_the_least_and_a_guest_that_was_restarted_is_one()
    {
        const string guest = "{\"name\":\"a\",\"uuid\":\"0aa785e5-5582-8783-b976-10ebbebb45dc\",\"id\":ID,\"reason\":\"fresh\",\"balloon_kib\":1048576,\"maximum_kib\":1048576}";
        IEnumerable<string> looks = Enumerable.Range(0, 10).Select(i => $"{{\"time\":{i * 6},\"host\":{{}},\"guests\":[{guest.Replace("ID", i < 5 ? "1" : "2", StringComparison.Ordinal)}]}}");
        await File.WriteAllLinesAsync(Path, ["{\"ballast_record\":1,\"started\":\"2026-01-02T03:04:05Z\"}", .. looks], Token);
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "balance", "replay", Path, "--policy", "ballast", "--budget", "2G", "--period", "10");
        Assert.Contains(": 10 samples of 1 guest, one every ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("; decisions at least 10 s apart.", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ends_before_it_is_larger_than_it_may_be()
    {
        Outcome outcome = await CliRun.BallastAsync("-c", "test:///fleet?domains=2000&seed=5", "balance", "record", Path, "--max-size", "64K", "--period", "1");
        Assert.Equal("warning: the record ends, because the file may not be larger than 64K (--max-size)\n", outcome.Error);
        Assert.Equal(0, outcome.ExitCode);
        Assert.InRange(new FileInfo(Path).Length, 1, 64 * 1024);
    }

    [Fact]
    public async Task Ctrl_C_ends_it_well()
    {
        using CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<Outcome> recording = CliRun.BallastAsync(["-c", Fleet, "balance", "record", Path, "--period", "600"], open: null, cancellationToken: interrupt.Token);
        await Deadline.UntilAsync(Deadline.Default, "a sample", _ => Task.FromResult(File.Exists(Path) && new FileInfo(Path).Length > 2000), Token);
        await interrupt.CancelAsync();
        Outcome outcome = await recording;
        Assert.StartsWith($"{Path}: 1 sample of 30 guests in ", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        Assert.EndsWith(",\"end\":\"interrupted\"}\n", (await CliRun.ProcessAsync("zcat", [Path], cancellationToken: Token)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("option --samples is for record", "balance", "replay", "x", "--samples", "1")]
    [InlineData("option --policy is for advise, replay, simulate", "balance", "record", "x", "--policy", "ballast")]
    [InlineData("unknown policy 'oracle'", "balance", "replay", "x", "--policy", "oracle")]
    [InlineData("'soon' is not a duration", "balance", "record", "x", "--duration", "soon")]
    [InlineData("'0s' is not a duration", "balance", "record", "x", "--duration", "0s")]
    [InlineData("--max-size takes at least 64K", "balance", "record", "x", "--max-size", "1K")]
    [InlineData("--period takes at most 86400 seconds: a day", "balance", "record", "x", "--period", "86401")]
    [InlineData("--period takes at most 86400 seconds: a day", "balance", "advise", "--period", "2000000000")]
    [InlineData("--period takes at most 86400 seconds: a day", "balance", "replay", "x", "--period", "2000000000")]
    [InlineData("--period takes at most 86400 seconds: a day", "balance", "simulate", "x", "--period", "2000000000")]
    [InlineData("/tmp is a directory", "balance", "record", "/tmp")]
    [InlineData("cannot write /nowhere/x", "balance", "record", "/nowhere/x")]
    [InlineData("cannot read /nowhere/x", "balance", "replay", "/nowhere/x")]
    [InlineData("/dev/null: it is not a record of a host: it is empty", "balance", "replay", "/dev/null")]
    [InlineData("/dev/zero: it is not a record of a host: line 1 is longer than 16 MiB", "balance", "replay", "/dev/zero")]
    [InlineData("command 'balance' requires <file> option", "balance", "record")]
    public async Task Mistakes_are_told(string complaint, params string[] words)
    {
        Outcome outcome = await CliRun.BallastAsync(["-c", Fleet, .. words]);
        Assert.Contains(complaint, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.ExitCode);
    }

    private static JsonElement Json(string line) => JsonDocument.Parse(line).RootElement;

    private static IEnumerable<string> Names(JsonElement json) => json.EnumerateObject().Select(member => member.Name);

    private Task<Outcome> RecordAsync(params string[] words) => CliRun.BallastAsync(["-c", Fleet, "balance", "record", Path, .. words]);
}
