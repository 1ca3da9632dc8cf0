using Ballast.Guests;
using Ballast.Tests.Cli;

namespace Ballast.Tests.Integration;

/// <summary>Commands that go on until they are stopped, and whose daemon ends and is started again.</summary>
[Trait("needs", "qemu")]
public sealed class RestartedDaemonTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Socket => _directory.File("sock");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task They_go_on_and_say_what_was_missed()
    {
        string uri = $"test+unix:///default?socket={Socket}", record = _directory.File("host.rec");
        BallastDaemon daemon = await StartAsync();
        await using LiveRun watch = LiveRun.Start(["-c", uri, "watch", "test", "--period", "1"], Token);
        await using LiveRun events = LiveRun.Start(["-c", uri, "event", "--all", "--loop"], Token);
        await using LiveRun recorded = LiveRun.Start(["-c", uri, "balance", "record", record, "--period", "1"], Token);
        await watch.UntilAsync("sample", now => now.Lines.Length == 2, Token);
        await events.UntilAsync("event", async now => now.Lines.Length > 0 || await HappenedAsync(uri), Token);
        await recorded.UntilAsync("record", async _ => await SamplesAsync(record) > 0, Token);
        await daemon.DisposeAsync();
        LiveRun[] all = [watch, events, recorded];
        foreach (LiveRun run in all)
            await run.UntilAsync("loss", now => now.Error.Contains("; trying to connect again\n", StringComparison.Ordinal), Token);
        int samples = watch.Lines.Length, heard = events.Lines.Length;
        await Task.Delay(TimeSpan.FromSeconds(2), Token);
        Assert.Equal(samples, watch.Lines.Length);

        await using BallastDaemon next = await StartAsync();
        foreach (LiveRun run in all)
            await run.UntilAsync("return", now => now.Error.Contains(": connected again; nothing was seen for ", StringComparison.Ordinal), Token);
        await watch.UntilAsync("sample again", now => now.Lines.Length > samples, Token);
        await events.UntilAsync("event again", async now => now.Lines.Length > heard || await HappenedAsync(uri), Token);
        Assert.Contains("warning: events are missing: the connection was lost\n", events.Error, StringComparison.Ordinal);
        int before = await SamplesAsync(record);
        await recorded.UntilAsync("samples again", async _ => await SamplesAsync(record) > before + 1, Token);
        Assert.Equal(0, (await recorded.InterruptAsync()).ExitCode);
        string lines = await ReadAsync(record);
        Assert.Contains(",\"missed\":\"", lines, StringComparison.Ordinal);
        Assert.Contains("\"guests\":[", lines[lines.LastIndexOf("\"missed\"", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    // False: whether it was heard is looked at the next time. Whoever has subscribed does not say so.
    private static async Task<bool> HappenedAsync(string uri)
    {
        await using Connection connection = await Connection.OpenAsync(uri, cancellationToken: Token);
        Domain guest = await connection.LookupByNameAsync("test", Token);
        await guest.SuspendAsync(Token);
        await guest.ResumeAsync(Token);
        return false;
    }

    private static async Task<int> SamplesAsync(string record) => (await ReadAsync(record)).Split("\"guests\":[").Length - 1;

    // What is not complete yet is read as far as it goes.
    private static async Task<string> ReadAsync(string record) => (await CliRun.ProcessAsync("zcat", ["-f", record], cancellationToken: Token)).Output;

    private async Task<BallastDaemon> StartAsync()
    {
        BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", _directory.Path);
        File.Delete(Socket);
        _ = File.CreateSymbolicLink(Socket, daemon.SocketPath);
        return daemon;
    }
}
