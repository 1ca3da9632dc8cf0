using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// QEMUs in namespaces and under roots of their own: a path, a name and a UUID say nothing there about who is meant, only
/// the process does.
/// </summary>
[Trait("needs", "qemu")]
[Trait("needs", "virsh")]
[Collection(ExclusiveCollection.Name)]
public sealed class ContainerTests : IAsyncDisposable
{
    private readonly PrivateDirectory _directory = new();
    private readonly List<Container> _started = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (Container container in _started)
            await container.DisposeAsync();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(Door.Program, true)]
    [InlineData(Door.Daemon, true)]
    [InlineData(Door.CLibrary, true)]
    [InlineData(Door.Python, true)]
    [InlineData(Door.Program, false)]
    [InlineData(Door.Daemon, false)]
    [InlineData(Door.CLibrary, false)]
    [InlineData(Door.Python, false)]
    public async Task Three_of_one_name_and_uuid_and_one_path_are_three_domains_and_each_call_reaches_its_own(string kind, bool isOnePath)
    {
        Guid uuid = Guid.NewGuid();
        Container[] all =
        [
            await StartAsync(isOnePath ? ContainerKind.Whole : ContainerKind.Host, 64, "twin", uuid, isOnePath ? "" : "1"),
            await StartAsync(ContainerKind.Host, 96, "twin", uuid),
            await StartAsync(isOnePath ? ContainerKind.Whole : ContainerKind.Host, 128, "twin", uuid, isOnePath ? "" : "3"),
        ];
        await using Door door = await Door.OpenAsync(kind, Token);

        // The oldest keeps the name and the UUID that all bear.
        IReadOnlyList<Listed> listed = await ListAsync(door);
        Assert.Equal(
            all.Select(container => (container.Pid, container == all[0] ? "twin" : $"twin@{container.Pid}")).Order(),
            listed.Select(domain => (domain.Id, domain.Name)).Order());
        Assert.Equal(3, listed.Select(domain => domain.Uuid).Distinct().Count());
        Assert.Equal(uuid, listed.Single(domain => domain.Id == all[0].Pid).Uuid);

        foreach (Container container in all)
            Assert.Equal((ulong)container.MemoryKib, await door.ActualAsync(await NameAsync(door, container), Token));

        long[] targets = [.. all.Select(container => container.MemoryKib)];
        for (int i = 0; i < all.Length; i++)
        {
            targets[i] -= (i + 1) * 4096;
            await door.SetMemoryAsync(await NameAsync(door, all[i]), targets[i], Token);
            for (int j = 0; j < all.Length; j++)
                Assert.Equal(targets[j], await all[j].TargetKibAsync(Token));
        }

        // The one outside first: whoever took its path for it would end one of the others.
        HashSet<Container> alive = [.. all];
        foreach (Container victim in (Container[])[all[1], all[0], all[2]])
        {
            string name = await NameAsync(door, victim);
            Assert.True(!door.StaysOpen || name == listed.Single(domain => domain.Id == victim.Pid).Name, $"it was renamed to {name}");
            await door.DestroyAsync(name, Token);
            await victim.WaitForDeathAsync(Token);
            _ = alive.Remove(victim);
            foreach (Container other in alive)
            {
                Assert.True(other.IsAlive);
                Assert.Equal(other.MemoryKib, await other.Oracle.BalloonActualAsync(Token) / 1024);
            }

            Assert.Equal(alive.Select(container => container.Pid).Order(), (await ListAsync(door)).Select(domain => domain.Id).Order());
        }
    }

    [Theory]
    [InlineData(ContainerKind.Whole, false)]
    [InlineData(ContainerKind.Whole, true)]
    [InlineData(ContainerKind.Bound, false)]
    [InlineData(ContainerKind.Network, false)]
    [InlineData(ContainerKind.Mounts, false)]
    [InlineData(ContainerKind.Mounts, true)]
    [InlineData(ContainerKind.Root, false)]
    [InlineData(ContainerKind.Root, true)]
    public async Task Each_kind_is_read_changed_and_ended_as_any_other(ContainerKind kind, bool hasNeighbour)
    {
        Container inside = await StartAsync(kind, 64, "inside", Guid.NewGuid());
        Container? outside = hasNeighbour ? await StartAsync(ContainerKind.Host, 96, "outside", Guid.NewGuid()) : null;
        await using Connection connection = await OpenAsync("qmp:///");
        Domain domain = await connection.LookupByNameAsync("inside", Token);
        Assert.Equal(inside.Pid, domain.Id);
        Assert.Equal(DomainState.Paused, (await domain.GetStateAsync(Token)).State);
        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal((ulong)inside.MemoryKib, sample.ActualKiB);
        Assert.NotNull(sample.RssKiB);

        await domain.SetMemoryAsync((ulong)inside.MemoryKib - 4096, cancellationToken: Token);
        Assert.Equal(inside.MemoryKib - 4096, await inside.TargetKibAsync(Token));
        if (outside is not null)
        {
            Domain other = await connection.LookupByNameAsync("outside", Token);
            Assert.Equal(outside.Pid, other.Id);
            Assert.Equal((ulong)outside.MemoryKib, (await other.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
            Assert.Equal(outside.MemoryKib, await outside.TargetKibAsync(Token));
        }

        await domain.DestroyAsync(cancellationToken: Token);
        await inside.WaitForDeathAsync(Token);
        Assert.True(outside is null or { IsAlive: true });
    }

    [Fact]
    public async Task A_user_namespaces_root_is_an_ordinary_user_outside_and_not_believed_unless_trusted_or_named()
    {
        Container theirs = await StartAsync(ContainerKind.User, 64, "victim", Guid.NewGuid());
        await using (Connection connection = await OpenAsync("qmp:///"))
        {
            Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token), found => found.Id == theirs.Pid);
            Assert.Equal($"qemu-{theirs.Pid}", domain.Name);
            MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
            Assert.Equal(MemoryStatsReason.NotTrusted, sample.Reason);
            Assert.Contains($"user {Container.Nobody}", sample.Detail, StringComparison.Ordinal);
            Assert.Null(sample.ActualKiB);
            LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.SetMemoryAsync(4096, cancellationToken: Token));
            Assert.Equal(ErrorCode.SystemError, refused.Code);
            Assert.Equal(theirs.MemoryKib, await theirs.TargetKibAsync(Token));
        }

        // To name a socket is consent, also along a process's root.
        await using (Connection named = await OpenAsync($"qmp://{theirs.ReachableMonitorPath}"))
            await IsAskedAsync(Assert.Single(await named.ListDomainsAsync(cancellationToken: Token)), theirs, 4096);
        await using Connection trusting = await OpenAsync("qmp:///", Container.Nobody);
        Domain trusted = await trusting.LookupByNameAsync("victim", Token);
        await IsAskedAsync(trusted, theirs, 8192);
        await trusted.DestroyAsync(cancellationToken: Token);
        await theirs.WaitForDeathAsync(Token);
    }

    [Fact]
    public async Task A_directory_that_is_bound_into_a_container_shows_the_QEMU_in_there()
    {
        Container inside = await StartAsync(ContainerKind.Bound, 64, "inside", Guid.NewGuid(), "1");
        Container outside = await StartAsync(ContainerKind.Host, 96, "outside", Guid.NewGuid(), "2");

        // The test's own monitors lie there too: they are further ones of the same two.
        await using Connection connection = await OpenAsync($"qmp://{_directory.File("run")}");
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal([("inside", inside.Pid), ("outside", outside.Pid)], domains.Select(domain => (domain.Name, domain.Id!.Value)).Order());
        await IsAskedAsync(domains.Single(domain => domain.Name == "inside"), inside, 4096);
        await IsAskedAsync(domains.Single(domain => domain.Name == "outside"), outside, 8192);
        await domains.Single(domain => domain.Name == "inside").DestroyAsync(cancellationToken: Token);
        await inside.WaitForDeathAsync(Token);
        Assert.True(outside.IsAlive);
    }

    [Fact]
    public async Task A_daemon_lets_a_network_go_together_with_its_container()
    {
        Container stays = await StartAsync(ContainerKind.Host, 64, "stays", Guid.NewGuid(), "0");
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using Connection connection = await Connection.OpenAsync(daemon.Uri, cancellationToken: Token);
        int before = 0;
        for (int i = 0; i < 4; i++)
        {
            Container goes = await StartAsync(ContainerKind.Network, 64, $"goes{i}", Guid.NewGuid(), $"{i + 1}");
            foreach (Container one in (Container[])[stays, goes])
                Assert.NotNull((await (await connection.LookupByIdAsync(one.Pid, Token)).GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
            await Task.Delay(TimeSpan.FromMilliseconds(300), Token); // A few looks at the queues there.
            await goes.DisposeAsync();
            _ = _started.Remove(goes);
            _ = await connection.ListDomainsAsync(cancellationToken: Token);
            await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
            if (i < 2)
                before = Sockets();
            else
                await Deadline.UntilAsync(Deadline.Default, $"no more than the {before} sockets after two containers", _ => Task.FromResult(Sockets() <= before), Token);
        }

        int Sockets() => Directory.GetFiles($"/proc/{daemon.Pid}/fd").Count(
            descriptor => new FileInfo(descriptor).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task A_monitor_that_is_held_in_a_network_of_its_own_is_seen_as_held()
    {
        Container inside = await StartAsync(ContainerKind.Whole, 64, "held", Guid.NewGuid());

        // The second one is the test's; the first is held by a neighbour in there, as a container's own tools do.
        const string hold = "import socket, sys, time\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nprint(s.recv(9), file=sys.stderr, flush=True)\ntime.sleep(300)";
        await using ChildProcess owner = await ChildProcess.StartAsync(
            "nsenter", ["--net", "--mount", "--target", $"{inside.Pid}", "python3", "-c", hold, inside.MonitorPath]);
        await Deadline.UntilAsync(
            Deadline.Default, "the owner's greeting", _ => Task.FromResult(owner.Errors.Contains("QMP", StringComparison.Ordinal)), Token);
        await using Connection connection = await OpenAsync("qmp:///");
        Domain domain = await connection.LookupByNameAsync("held", Token);
        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(inside.Pid, domain.Id);
        Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
    }

    private static async Task IsAskedAsync(Domain domain, Container container, long less)
    {
        Assert.Equal(container.Pid, domain.Id);
        Assert.Equal((ulong)container.MemoryKib, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
        await domain.SetMemoryAsync((ulong)(container.MemoryKib - less), cancellationToken: Token);
        Assert.Equal(container.MemoryKib - less, await container.TargetKibAsync(Token));
    }

    private static ValueTask<Connection> OpenAsync(string uri, params uint[] trusted) => Connection.OpenAsync(
        uri, new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20), TrustedUserIds = trusted }, Token);

    // Somebody else's QEMUs on the host are none of ours.
    private async Task<IReadOnlyList<Listed>> ListAsync(Door door)
    {
        IReadOnlyList<Listed> listed = await door.ListAsync(Token);
        return [.. listed.Where(domain => _started.Exists(container => container.Pid == domain.Id))];
    }

    private async Task<string> NameAsync(Door door, Container container) =>
        Assert.Single(await ListAsync(door), domain => domain.Id == container.Pid).Name;

    // All have their sockets at one path, each on a file system of its own or, by files of their own, on the host's.
    private async Task<Container> StartAsync(ContainerKind kind, int memoryMib, string name, Guid uuid, string socket = "")
    {
        string directory = Directory.CreateDirectory(_directory.File("run")).FullName;
        Container container = await Container.StartAsync(
            new ContainerOptions
            {
                Kind = kind,
                DirectoryPath = directory,
                MemoryMib = memoryMib,
                Name = name,
                Uuid = uuid,
                Monitor = $"a{socket}.sock",
                Oracle = $"oracle{socket}.sock",
            }, Token);
        _started.Add(container);
        return container;
    }
}
