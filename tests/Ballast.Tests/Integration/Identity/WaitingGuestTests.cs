using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu.Discovery;
using Microsoft.Extensions.Logging;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU that waits for its controller starts the guest for whoever connects first.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class WaitingGuestTests : IdentityTest
{
    private string Socket => Root.File("wait.sock");

    // QEMU opens it after the one that it waits at.
    private string Later => Root.File("later.sock");

    [Theory]
    [InlineData("server=on", true)]
    [InlineData("server", true)]
    [InlineData("server=on,wait=on", false)]
    public async Task It_is_listed_with_that_reason_and_does_not_start(string options, bool hasUuid)
    {
        PlainQemu qemu = await StartAsync(options, hasUuid);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        foreach (string uri in (string[])[Host, daemon.Uri])
        {
            await using Connection connection = await OpenAsync(uri);
            Domain domain = await DomainOfAsync(connection, qemu);
            Assert.Equal("waiting", domain.Name);
            MemoryStats sample = await SampleAsync(domain);
            Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
            if (uri == Host)
            {
                Assert.Contains("waits for its controller", sample.Detail, StringComparison.Ordinal);
                Assert.Contains($"'{Socket}'", sample.Detail, StringComparison.Ordinal);
                Assert.NotNull(sample.RssKiB);
            }

            Assert.Equal(DomainState.NoState, (await domain.GetStateAsync(Token)).State);
            _ = await connection.GetAllDomainStatsAsync(cancellationToken: Token);
            LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.DestroyAsync(cancellationToken: Token));
            Assert.Equal(ErrorCode.ResourceBusy, refused.Code);
        }

        foreach (string[] command in (string[][])[["list"], ["dommemstat", "waiting"], ["domstate", "waiting"], ["setmem", "waiting", "40000"]])
            _ = await BallastProgram.RunAsync(Token, ["-c", Host, .. command]);

        // It would have gone on at the first connection.
        await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
        Assert.Equal(1, UnixSocket.Count(Socket));
        Assert.False(File.Exists(Later));
        Assert.True(qemu.IsAlive);
    }

    [Fact]
    public async Task After_its_controller_came_and_left_it_is_used()
    {
        PlainQemu qemu = await StartAsync("server=on", hasUuid: true);
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainOfAsync(connection, qemu);
        Assert.Equal(MemoryStatsReason.MonitorBusy, (await SampleAsync(domain)).Reason);
        OracleMonitor controller = await OracleMonitor.ConnectAsync(Socket, cancellationToken: Token);
        await ListensAsync(Later);
        _ = await DomainOfAsync(connection, qemu);
        await controller.DisposeAsync();
        await Deadline.UntilAsync(Deadline.Default, "QEMU's look at who left", _ => Task.FromResult(UnixSocket.Count(Socket) == 1), Token);

        MemoryStats sample = await SampleAsync(domain);
        Assert.True(sample.ActualKiB == qemu.MemoryKib, $"{sample.Reason}: {sample.Detail}");
    }

    [Fact]
    public async Task To_name_its_socket_is_to_start_it()
    {
        PlainQemu qemu = await StartAsync("server=on", hasUuid: true);
        await using Connection named = await OpenAsync($"qmp://{Socket}");
        MemoryStats sample = await SampleAsync(await DomainOfAsync(named, qemu));
        Assert.True(sample.ActualKiB == qemu.MemoryKib, $"{sample.Reason}: {sample.Detail}");
        Assert.True(File.Exists(Later));
    }

    [Theory]
    [InlineData("socket", true)]
    [InlineData("moved socket", true)]
    [InlineData("directory", true)]
    [InlineData("socket", false)]
    [InlineData("directory", false)]
    public async Task Before_a_named_one_is_started_its_user_is_told(string what, bool waits)
    {
        PlainQemu qemu = await StartAsync(waits ? "server=on" : "server=on,wait=off", hasUuid: true);
        string path = what == "directory" ? Path.GetDirectoryName(Socket)! : Socket;
        if (what == "moved socket")
            File.Move(Socket, path = Root.File("moved.sock"));
        CommandResult result = await BallastProgram.RunAsync(Token, "-c", $"qmp://{path}", "domstate", "waiting");
        Assert.Equal(("paused\n\n", 0), (result.Output, result.ExitCode));
        string warning = $"warning: QEMU process {qemu.Pid} was started to wait for its controller at {(what == "directory" ? Socket : path)}: "
            + "if nobody has connected there yet, this starts its guest\n";
        Assert.Equal(waits ? warning : "", result.Errors);
    }

    [Fact]
    public async Task After_its_controller_came_and_left_nobody_is_told()
    {
        await AccessTimes.RequireAsync(Root, Token);
        _ = await StartAsync("server=on", hasUuid: true);

        // The clock of files moves on in steps of a few milliseconds.
        await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
        await using (await OracleMonitor.ConnectAsync(Socket, cancellationToken: Token))
            await ListensAsync(Later);
        await Deadline.UntilAsync(Deadline.Default, "QEMU's look at who left", _ => Task.FromResult(UnixSocket.Count(Socket) == 1), Token);
        CommandResult result = await BallastProgram.RunAsync(Token, "-c", $"qmp://{Socket}", "domstate", "waiting");
        Assert.Equal(("paused\n\n", "", 0), (result.Output, result.Errors, result.ExitCode));
    }

    [Theory]
    [InlineData("server=on", "server=on,wait=off", false)]
    [InlineData("server=on,wait=off", "server=on", false)]
    [InlineData("server=on", "server=on,wait=off", true)]
    [InlineData("server=on,wait=off", "server=on", true)]
    public async Task Who_only_says_that_the_socket_is_its_own_changes_nothing(string options, string lie, bool isOfItsAge)
    {
        PlainQemu qemu = await StartAsync(options, hasUuid: true);
        if (isOfItsAge)
            await Task.Delay(TimeSpan.FromSeconds(12), Token);
        string liar = Path.Combine(MakeDirectory("x"), "qemu-system-x86_64");
        File.CreateSymbolicLink(liar, "/bin/sleep");
        await using ChildProcess other = await ChildProcess.StartAsync(
            "bash", ["-c", "exec -a \"$0\" bash -c 'read x' qemu -qmp \"unix:$1,$2\"", liar, Socket, lie]);

        // Who makes a socket makes it when it starts: so the liar is asked first.
        if (isOfItsAge)
            File.SetLastWriteTimeUtc(Socket, TimeProvider.System.GetUtcNow().UtcDateTime);
        CommandResult result = await BallastProgram.RunAsync(Token, "-c", $"qmp://{Socket}", "domstate", "waiting");
        string warning = $"warning: QEMU process {qemu.Pid} was started to wait for its controller at {Socket}: if nobody has connected there yet, this starts its guest\n";
        Assert.Equal(options == "server=on" ? warning : "", result.Errors);
    }

    [Fact]
    public async Task A_program_is_told_before_the_guest_starts()
    {
        PlainQemu qemu = await StartAsync("server=on", hasUuid: true);
        bool? wasStarted = null;
        using ListeningLog log = new((id, _) =>
        {
            if (id == 108)
                wasStarted = File.Exists(Later);
        });
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{Socket}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20), LoggerFactory = log }, Token);
        Assert.False(wasStarted ?? true);
        Assert.True(qemu.IsAlive);
    }

    [Theory]
    [InlineData("socket", false)]
    [InlineData("directory", false)]
    [InlineData("socket", true)]
    [InlineData("directory", true)]
    public async Task A_program_is_told_too_where_a_file_says_it_or_may_say_it(string what, bool isChanged)
    {
        string file = Root.File("vm.cfg"), directory = MakeDirectory("x"), socket = $"{directory}/q.sock";
        await File.WriteAllTextAsync(file,
            $"[chardev \"m\"]\n backend = \"socket\"\n path = \"{socket}\"\n server = \"on\"\n[mon]\n chardev = \"m\"\n mode = \"control\"\n", Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Name = "waiting", Uuid = Guid.NewGuid(), Arguments = ["-readconfig", file], Waits = true });
        await ListensAsync(socket);
        if (isChanged)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
            File.SetLastWriteTimeUtc(file, TimeProvider.System.GetUtcNow().UtcDateTime);
        }

        List<string> told = [];
        using ListeningLog log = new((id, text) =>
        {
            if (id == 108)
                told.Add(text);
        });
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{(what == "directory" ? directory : socket)}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20), LoggerFactory = log }, Token);
        MemoryStats sample = await SampleAsync(await DomainOfAsync(connection, qemu));
        Assert.True(sample.ActualKiB == qemu.MemoryKib, $"{sample.Reason}: {sample.Detail}");
        Assert.Equal($"QEMU process {qemu.Pid} {(isChanged ? "may have been" : "was")} started to wait for its controller at {socket}: "
            + "if nobody has connected there yet, this starts its guest", Assert.Single(told));
    }

    private async Task<PlainQemu> StartAsync(string options, bool hasUuid)
    {
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "waiting",
            Uuid = hasUuid ? Guid.NewGuid() : null,
            Arguments = ["-qmp", $"unix:{Socket},{options}", "-chardev", $"socket,id=l,path={Later},server=on,wait=off", "-mon", "chardev=l,mode=readline"],
            Waits = true,
        });
        await ListensAsync(Socket);
        return qemu;
    }

    private sealed class ListeningLog(Action<int, string> heard) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            heard(eventId.Id, formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
