using System.Diagnostics;
using System.Net.Sockets;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>Not every socket that lies beside a monitor is one, and who is no monitor is left in peace.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "virsh")]
public sealed class OtherSocketsTests : IdentityTest
{
    // A tenth of what one silent socket used to cost each list.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public static TheoryData<string, string[]> Of_QEMU { get; } = new()
    {
        { "guest agent", ["-device", "virtio-serial-device", "-chardev", "socket,id=g,path=DIR/other,server=on,wait=off", "-device", "virtserialport,chardev=g,name=org.qemu.guest_agent.0"] },
        { "serial console", ["-serial", "unix:DIR/other,server=on,wait=off"] },
        { "human monitor", ["-monitor", "unix:DIR/other,server=on,wait=off"] },
        { "human monitor on a chardev", ["-chardev", "socket,id=h,path=DIR/other,server=on,wait=off", "-mon", "chardev=h"] },
        { "VNC", ["-vnc", "unix:DIR/other"] },
        { "GDB", ["-gdb", "unix:DIR/other,server=on,wait=off"] },
    };

    [Theory]
    [MemberData(nameof(Of_QEMU))]
    public Task A_QEMUs_other_sockets_are_never_connected_to(string what, string[] arguments) => AreLeftAloneAsync(what, arguments);

    [Theory]
    [MemberData(nameof(Of_QEMU))]
    public async Task Nor_where_a_file_that_was_changed_since_may_say_anything(string what, string[] arguments)
    {
        string file = Root.File("vm.cfg");
        await File.WriteAllTextAsync(file, "# nothing\n", Token);
        await AreLeftAloneAsync(what, ["-readconfig", file, .. arguments], async () =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
            File.SetLastWriteTimeUtc(file, TimeProvider.System.GetUtcNow().UtcDateTime);
        });
    }

    private async Task AreLeftAloneAsync(string what, string[] arguments, Func<Task>? then = null)
    {
        string directory = MakeDirectory("x");
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "vm",
            Arguments =
            [
                .. Monitor($"{directory}/q.sock"), .. arguments.Select(argument => argument.Replace("DIR", directory, StringComparison.Ordinal)),
                .. Traced,
            ],
        });
        Assert.True(UnixSocket.IsListening($"{directory}/other"), what);
        await (then?.Invoke() ?? Task.CompletedTask);
        int before = Accepted();
        await using (Connection connection = await OpenAsync($"qmp://{directory}"))
        {
            long since = Stopwatch.GetTimestamp();
            for (int i = 0; i < 3; i++)
                Assert.Equal(("vm", qemu.Pid), Assert.Single((await connection.ListDomainsAsync(cancellationToken: Token)).Select(domain => (domain.Name, domain.Id!.Value))));
            Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Soon);
            await IsReachedAsync(await DomainOfAsync(connection, qemu), qemu);
        }

        // The monitor's one, and no other.
        Assert.Equal(before + 1, Accepted());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_QEMU_that_takes_its_time_holds_up_no_list_and_is_connected_to_once(bool isInDirectory)
    {
        string directory = MakeDirectory("x");
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "vm",
            Arguments = [.. Monitor($"{directory}/q.sock"), .. Traced],
        });
        int before = Accepted();
        await qemu.StopAsync(Token);
        await using (Connection connection = await OpenAsync(isInDirectory ? $"qmp://{directory}" : Host))
        {
            long since = Stopwatch.GetTimestamp();
            for (int i = 0; i < 3; i++)
                Assert.Equal(qemu.Pid, (await DomainOfAsync(connection, qemu)).Id);

            // Half a second for its name, and as much for each silent QEMU of another test; nobody waits for an answer.
            Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(6));
            qemu.Continue();
            await IsReachedAsync(await DomainOfAsync(connection, qemu), qemu);
        }

        Assert.Equal(before + 1, Accepted());
    }

    [Fact]
    public async Task A_strangers_silent_service_is_asked_once_and_costs_the_list_nothing()
    {
        string directory = MakeDirectory("x");
        PlainQemu qemu = await StartAsync("vm", $"{directory}/q.sock");
        using Socket listener = UnixSocket.Listen($"{directory}/service");
        int visits = 0, bytes = 0;
        Task service = Task.Run(async () =>
        {
            while (true)
            {
                using Socket client = await listener.AcceptAsync(Token);
                Interlocked.Increment(ref visits);
                Interlocked.Add(ref bytes, await client.ReceiveAsync(new byte[100], Token));
            }
        }, Token);
        foreach (bool isDaemon in (bool[])[false, true])
        {
            // The daemon itself looks who is there, from its start on.
            visits = 0;
            string uri = isDaemon ? Own(await BallastDaemon.StartAsync(Token, "--qmp", directory)).Uri : $"qmp://{directory}";
            await using Connection connection = await OpenAsync(uri);
            for (int i = 0; i < 4; i++)
            {
                long since = Stopwatch.GetTimestamp();
                Assert.Equal(qemu.Pid, Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token)).Id);
                Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Soon);

                // What comes and goes makes the directory be looked at again.
                await File.WriteAllTextAsync($"{directory}/file{i}", "", Token);
            }

            Assert.Equal(1, visits);
        }

        Assert.Equal(0, bytes);
        Assert.False(service.IsCompleted);
    }

    [Fact]
    public async Task Ballastd_never_asks_itself()
    {
        string directory = MakeDirectory("x");
        PlainQemu qemu = await StartAsync("vm", $"{directory}/q.sock");
        await using ChildProcess daemon = await ChildProcess.StartAsync(
            BallastDaemon.Program, ["--config", "/dev/null", "--socket", $"{directory}/sock", "--qmp", directory]);
        await Deadline.UntilAsync(Deadline.Default, "sockets of ballastd", _ => Task.FromResult(UnixSocket.IsListening($"{directory}/sock")), Token);
        await using Connection connection = await OpenAsync($"qemu+unix:///system?socket={directory}/sock");
        long since = Stopwatch.GetTimestamp();
        for (int i = 0; i < 3; i++)
            Assert.Equal(qemu.Pid, Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token)).Id);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Soon);

        // One listens, one is ours.
        Assert.Equal(2, UnixSocket.Count($"{directory}/sock"));
        await IsReachedAsync(await DomainOfAsync(connection, qemu), qemu);
    }

    // A file, because QEMU's answer to a later command says that it was written. What comes through a pipe may come later.
    private string[] Traced => ["-trace", "qio_channel_socket_accept", "-D", Root.File("trace")];

    private int Accepted() =>
        File.ReadLines(Root.File("trace")).Count(line => line.Contains("qio_channel_socket_accept", StringComparison.Ordinal));
}
