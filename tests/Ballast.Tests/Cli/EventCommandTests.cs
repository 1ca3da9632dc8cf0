using Ballast.Drivers;

namespace Ballast.Tests.Cli;

/// <summary>What event prints, and how it ends.</summary>
public sealed class EventCommandTests
{
    private static readonly FakeDomain Guest = new("gu\est", 7);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_kind_of_event_has_its_line()
    {
        FakeDriver driver = new(Guest);
        using CancellationTokenSource interrupt = new();
        Task<Outcome> running = RunAsync(driver, interrupt.Token, "-q", "event", "--all", "--loop");
        IDriverEventSink sink = await driver.Subscribed.Task.WaitAsync(Token);
        sink.Add(DriverEvent.Lifecycle(Guest.Identity, DomainLifecycleChange.Suspended, 0));
        sink.Add(DriverEvent.Lifecycle(Guest.Identity, (DomainLifecycleChange)99, 7));
        sink.Add(DriverEvent.Reboot(Guest.Identity));
        sink.Add(DriverEvent.BalloonChange(Guest.Identity, 4096));
        sink.Interrupt();
        sink.Add(DriverEvent.Lifecycle(Guest.Identity, DomainLifecycleChange.Stopped, 1));
        sink.End(LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, "client socket is closed"));
        Outcome outcome = await running;
        Assert.Equal(
            """
            event 'lifecycle' for domain 'gu\x1bst': Suspended Paused
            event 'lifecycle' for domain 'gu\x1bst': unknown 
            event 'reboot' for domain 'gu\x1bst'
            event 'balloon-change' for domain 'gu\x1bst': 4096KiB
            event 'lifecycle' for domain 'gu\x1bst': Stopped Destroyed

            """, outcome.Output);
        Assert.Equal((1, "warning: events are missing: the connection was lost\nerror: internal error: client socket is closed\n"), (outcome.ExitCode, outcome.Error));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 0)]
    public async Task Interrupted_it_says_so_and_succeeds_if_there_was_an_event(int events, int exitCode)
    {
        FakeDriver driver = new(Guest);
        using CancellationTokenSource interrupt = new();
        using MemoryStream output = new();
        Task<Outcome> running = RunAsync(driver, interrupt.Token, "-q", "event", "--event", "reboot", "--loop");
        IDriverEventSink sink = await driver.Subscribed.Task.WaitAsync(Token);
        for (int i = 0; i < events; i++)
            sink.Add(DriverEvent.Reboot(Guest.Identity));

        // What has come is yielded before it ends.
        await interrupt.CancelAsync();
        Outcome outcome = await running;
        Assert.EndsWith($"event loop interrupted\nevents received: {events}\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal((exitCode, ""), (outcome.ExitCode, outcome.Error));
    }

    private static Task<Outcome> RunAsync(FakeDriver driver, CancellationToken token, params string[] words) => CliRun.BallastAsync(
        words, (uri, options, _) => new(new Connection(driver, uri ?? "fake:///", options)), cancellationToken: token);
}
