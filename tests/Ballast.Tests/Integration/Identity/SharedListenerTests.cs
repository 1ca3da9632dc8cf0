using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>Listening sockets that more than one QEMU was given, or that come to life when nobody looks.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class SharedListenerTests : IdentityTest
{
    // A listening socket as descriptor 3; it listens a while after it was made.
    private const string Listen =
        """
        import os, socket, sys, time
        s = socket.socket(socket.AF_UNIX)
        s.bind(sys.argv[1])
        time.sleep(float(sys.argv[2]))
        s.listen(1)
        os.dup2(s.fileno(), 3)
        os.set_inheritable(3, True)
        os.execvp(sys.argv[3], sys.argv[3:])
        """;

    // Descriptor 3 of another process as a descriptor of this one.
    private const string Take =
        """
        import ctypes, os, sys
        its = ctypes.CDLL(None).syscall(438, os.pidfd_open(int(sys.argv[1])), 3, 0)
        os.dup2(its, int(sys.argv[2]), inheritable=True)
        os.execvp(sys.argv[3], sys.argv[3:])
        """;

    private static readonly string[] Passed = ["-chardev", "socket,id=m,fd=3,server=on,wait=off", "-mon", "chardev=m,mode=control"];

    [Fact]
    public async Task What_is_meant_for_one_of_two_on_one_socket_never_reaches_the_other()
    {
        PlainQemu first = await StartPassedAsync("shared1", Listening("q.sock"));
        PlainQemu second = await StartPassedAsync("shared2", ["/usr/bin/python3", "-c", Take, $"{first.Pid}", "3"]);
        ulong set = 0;
        int refused = 0;
        for (int i = 0; i < 24; i++)
        {
            await using Connection connection = await OpenAsync();
            Domain domain = await connection.LookupByNameAsync("shared2", Token);
            Assert.Equal(second.Pid, domain.Id);
            try
            {
                await domain.SetMemoryAsync(40960 + ((ulong)i * 4), cancellationToken: Token);
                set = 40960 + ((ulong)i * 4);
            }
            catch (LibvirtException e) when (e.Code == ErrorCode.SystemError)
            {
                Assert.Contains("accepted the connection", e.Message, StringComparison.Ordinal);
                refused++;
            }

            Assert.Equal(first.MemoryKib, await first.TargetKibAsync(Token));
            Assert.Equal(set == 0 ? second.MemoryKib : set, await second.TargetKibAsync(Token));
        }

        Assert.NotEqual(0, refused);
    }

    [Fact]
    public async Task Of_two_on_one_socket_both_are_listed_and_the_one_without_it_says_why()
    {
        PlainQemu first = await StartPassedAsync("shared1", Listening("q.sock"));
        PlainQemu second = await StartPassedAsync("shared2", ["/usr/bin/python3", "-c", Take, $"{first.Pid}", "3"]);
        await using Connection connection = await OpenAsync();
        List<string> reasons = [];
        foreach (PlainQemu qemu in (PlainQemu[])[first, second])
        {
            MemoryStats sample = await SampleAsync(await DomainOfAsync(connection, qemu));
            if (sample.ActualKiB is null)
                reasons.Add(sample.Detail ?? "");
        }

        Assert.Contains(reasons, static reason => reason.Contains("listens on the same socket; give each QEMU a socket of its own", StringComparison.Ordinal));
    }

    [Fact]
    public async Task In_their_directory_none_of_two_on_one_socket_is_lost_and_no_call_reaches_the_other()
    {
        PlainQemu first = await StartPassedAsync("shared1", Listening("q.sock"));
        PlainQemu second = await StartPassedAsync("shared2", ["/usr/bin/python3", "-c", Take, $"{first.Pid}", "3"]);
        ulong[] set = [first.MemoryKib, second.MemoryKib];
        PlainQemu[] qemus = [first, second];
        for (int i = 0; i < 12; i++)
        {
            await using Connection connection = await OpenAsync($"qmp://{MakeDirectory("x")}");
            for (int look = 0; look < 2; look++)
            {
                IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
                Assert.Equal([("shared1", first.Pid), ("shared2", second.Pid)], domains.Select(domain => (domain.Name, domain.Id!.Value)).Order());
                for (int n = 0; n < 2; n++)
                {
                    ulong size = 40960 + ((ulong)i * 16) + ((ulong)look * 8) + ((ulong)n * 4);
                    Exception? error = await Record.ExceptionAsync(async () => await domains.Single(domain => domain.Id == qemus[n].Pid).SetMemoryAsync(size, cancellationToken: Token));
                    Assert.True(error is null or LibvirtException { Code: ErrorCode.SystemError or ErrorCode.ResourceBusy }, $"{error}");
                    set[n] = error is null ? size : set[n];
                    Assert.Equal(set[0], await first.TargetKibAsync(Token));
                    Assert.Equal(set[1], await second.TargetKibAsync(Token));
                }

                await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
            }
        }

        Assert.NotEqual((first.MemoryKib, second.MemoryKib), (set[0], set[1]));
    }

    [Fact]
    public async Task Who_shares_a_connection_to_one_of_two_on_one_socket_does_not_take_it_for_the_other()
    {
        PlainQemu first = await StartPassedAsync("shared1", Listening("q.sock"));
        string uri = $"qmp://{MakeDirectory("x")}";
        await using Connection before = await OpenAsync(uri);
        Domain known = await DomainOfAsync(before, first);
        PlainQemu second = await StartPassedAsync("shared2", ["/usr/bin/python3", "-c", Take, $"{first.Pid}", "3"], memoryMib: 96);

        // The second was the last to call listen(), so the peer is its; who accepts is chance.
        await Deadline.UntilAsync(Deadline.Default, "the first one's answer", async _ => (await SampleAsync(known)).ActualKiB == first.MemoryKib, Token);
        await using Connection connection = await OpenAsync(uri);
        Domain other = await DomainOfAsync(connection, second);
        MemoryStats sample = await SampleAsync(other);
        Assert.Null(sample.ActualKiB);
        Assert.Contains("listens on the same socket", sample.Detail, StringComparison.Ordinal);
        _ = await Assert.ThrowsAsync<LibvirtException>(async () => await other.SetMemoryAsync(40960, cancellationToken: Token));
        Assert.Equal((first.MemoryKib, second.MemoryKib), (await first.TargetKibAsync(Token), await second.TargetKibAsync(Token)));
        Assert.Equal(first.MemoryKib, (await SampleAsync(known)).ActualKiB);
    }

    [Fact]
    public async Task Who_is_given_a_socket_later_is_listed_by_those_who_knew_the_first()
    {
        PlainQemu first = await StartPassedAsync("shared1", Listening("q.sock"));
        await using Connection connection = await OpenAsync($"qmp://{MakeDirectory("x")}");
        Assert.Equal("shared1", Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token)).Name);
        PlainQemu second = await StartPassedAsync("shared2", ["/usr/bin/python3", "-c", Take, $"{first.Pid}", "3"]);
        await Deadline.UntilAsync(Deadline.Default, "the second one", async token =>
            (await connection.ListDomainsAsync(cancellationToken: token)).Select(domain => domain.Id!.Value).Order().SequenceEqual([.. ((int[])[first.Pid, second.Pid]).Order()]), Token);
    }

    [Fact]
    public async Task Who_was_listed_stays_itself_when_another_one_takes_its_path()
    {
        string directory = MakeDirectory("x"), socket = $"{directory}/q.sock";
        PlainQemu old = await StartAsync("old", socket, Guid.NewGuid());
        await using Connection connection = await OpenAsync($"qmp://{directory}");
        Domain listed = await DomainOfAsync(connection, old);
        await IsReachedAsync(listed, old);
        PlainQemu young = await StartAsync("young", socket, Guid.NewGuid());
        await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
        await IsReachedAsync(await DomainOfAsync(connection, young), young);
        await IsReachedAsync(listed, old);

        // Nobody gets a new connection to it any more.
        await using Connection next = await OpenAsync($"qmp://{directory}");
        Assert.Equal("young", Assert.Single(await next.ListDomainsAsync(cancellationToken: Token)).Name);
        await old.DisposeAsync();
        LibvirtException gone = await Assert.ThrowsAsync<LibvirtException>(async () => await listed.SetMemoryAsync(4096, cancellationToken: Token));
        Assert.Equal(ErrorCode.NoDomain, gone.Code);
        Assert.Equal(young.MemoryKib - 4096, await young.TargetKibAsync(Token));
    }

    [Fact]
    public async Task One_that_only_inherited_a_socket_hides_nobody()
    {
        PlainQemu first = await StartPassedAsync("leak1", Listening("a.sock"));
        PlainQemu second = await StartPassedAsync("leak2", [.. Listening("b.sock"), "/usr/bin/python3", "-c", Take, $"{first.Pid}", "9"]);
        await using Connection connection = await OpenAsync($"qmp://{MakeDirectory("x")}");
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal([("leak1", first.Pid), ("leak2", second.Pid)], domains.Select(domain => (domain.Name, domain.Id!.Value)).Order());
        foreach (PlainQemu qemu in (PlainQemu[])[first, second])
            await IsReachedAsync(await DomainOfAsync(connection, qemu), qemu);
    }

    [Fact]
    public async Task What_a_directory_does_not_tell_is_seen_a_moment_later()
    {
        string directory = MakeDirectory("x"), covered = $"{directory}/covered";
        await File.WriteAllTextAsync(covered, "", Token);
        PlainQemu elsewhere = await StartAsync("mounted", $"{MakeDirectory("y")}/q.sock", Guid.NewGuid());
        await using Connection connection = await OpenAsync($"qmp://{directory}");
        Assert.Empty(await connection.ListDomainsAsync(cancellationToken: Token));
        await Task.Delay(TimeSpan.FromMilliseconds(200), Token);

        Task<PlainQemu> starting = StartPassedAsync("late", Listening("late.sock", delay: "0.8"));
        await Deadline.UntilAsync(Deadline.Default, "the one that listens late", async token =>
            (await connection.ListDomainsAsync(cancellationToken: token)).Select(domain => domain.Name).SequenceEqual(["late"]), Token);
        _ = await starting;

        await Task.Delay(TimeSpan.FromMilliseconds(200), Token);
        Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        CommandResult mounted = await ChildProcess.RunAsync("mount", ["--bind", Root.File("y/q.sock"), covered], cancellationToken: Token);
        Assert.True(mounted.ExitCode == 0, mounted.Errors);
        try
        {
            await Deadline.UntilAsync(Deadline.Default, "the one that was mounted there", async token =>
                (await connection.ListDomainsAsync(cancellationToken: token)).Any(domain => domain.Name == "mounted"), Token);
        }
        finally
        {
            _ = await ChildProcess.RunAsync("umount", [covered], cancellationToken: CancellationToken.None);
        }

        Assert.True(elsewhere.IsAlive);
    }

    [Fact]
    public async Task One_that_is_silent_and_whose_sockets_are_hidden_is_listed_as_silent()
    {
        string directory = MakeDirectory("x"), socket = $"{directory}/q.sock";
        OpenToAll(Root.Path);
        OpenToAll(directory);
        PlainQemu qemu = await StartAsync("silent", socket, Guid.NewGuid());
        OpenToAll(socket);
        await qemu.StopAsync(Token);
        string[] ask = ["--reuid=65534", "--regid=65534", "--clear-groups", BallastProgram.Path, "-c", $"qmp://{directory}"];
        CommandResult list = await ChildProcess.RunAsync("setpriv", [.. ask, "list"], cancellationToken: Token);
        Assert.Matches($" {qemu.Pid} +silent +no state", list.Output);

        qemu.Continue();
        list = await ChildProcess.RunAsync("setpriv", [.. ask, "list"], cancellationToken: Token);
        Assert.Matches($" {qemu.Pid} +silent +paused", list.Output);
    }

    private string[] Listening(string name, string delay = "0") => ["/usr/bin/python3", "-c", Listen, $"{MakeDirectory("x")}/{name}", delay];

    private Task<PlainQemu> StartPassedAsync(string name, string[] through, int memoryMib = 64) =>
        StartAsync(new PlainQemuOptions { Name = name, Uuid = Guid.NewGuid(), MemoryMib = memoryMib, Through = through, Arguments = Passed });
}
