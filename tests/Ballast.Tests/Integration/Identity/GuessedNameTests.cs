using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A name that may be wrong takes nothing from a QEMU whose name is sure, and yields to the truth once it is known.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class GuessedNameTests : IdentityTest
{
    private const uint Nobody = 65534;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData(Host)]
    [InlineData("directory")]
    public async Task A_name_in_front_of_a_file_that_was_changed_since_is_not_the_last_word(string where)
    {
        string directory = MakeDirectory("x");
        PlainQemu alpha = await StartBeforeFileAsync($"{directory}/a.sock");
        PlainQemu beta = await StartAsync("beta", $"{directory}/b.sock", Guid.NewGuid());
        await using Connection connection = await OpenAsync(where == Host ? Host : $"qmp://{directory}");
        Assert.Equal(alpha.Pid, (await connection.LookupByNameAsync("alpha", Token)).Id);
        Assert.Equal(["alpha", "beta"], [(await DomainOfAsync(connection, alpha)).Name, (await DomainOfAsync(connection, beta)).Name]);
        await (await connection.LookupByNameAsync("beta", Token)).DestroyAsync(cancellationToken: Token);
        await beta.WaitForDeathAsync(Token);
        Assert.True(alpha.IsAlive);
    }

    [Theory]
    [InlineData("before a file")]
    [InlineData("in a daemon's file")]
    public async Task One_that_says_nothing_loses_a_guessed_name_to_one_that_says_it_and_is_not_ended_by_it(string what)
    {
        // Nothing else comes to the directory of the daemon's file: that would be reason enough to doubt it.
        string directory = MakeDirectory("x");
        PlainQemu alpha = what == "before a file" ? await StartBeforeFileAsync($"{directory}/a.sock") : await StartDaemonAsync(directory);
        string file = $"{directory}/b.cfg";
        await File.WriteAllTextAsync(file, Named("beta"), Token);
        PlainQemu beta = await StartAsync(new PlainQemuOptions
        {
            Uuid = Guid.NewGuid(),
            Arguments = ["-readconfig", file, .. Monitor($"{directory}/b.sock")],
        });
        await TouchAsync(file);
        await SignalAsync("STOP", alpha);
        try
        {
            await using (Connection connection = await OpenAsync(timeout: TimeSpan.FromSeconds(1)))
                Assert.Equal(beta.Pid, (await connection.LookupByNameAsync("beta", Token)).Id);
            await using (Connection connection = await OpenAsync(timeout: TimeSpan.FromSeconds(1)))
            {
                Assert.Equal("beta", (await DomainOfAsync(connection, beta)).Name);
                Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"beta@{alpha.Pid}"), (await DomainOfAsync(connection, alpha)).Name);
                await (await connection.LookupByNameAsync("beta", Token)).DestroyAsync(cancellationToken: Token);
                await beta.WaitForDeathAsync(Token);
                Assert.True(alpha.IsAlive);
            }

            // Nobody else is called so now.
            await using (Connection connection = await OpenAsync(timeout: TimeSpan.FromSeconds(1)))
            {
                Domain guessed = await connection.LookupByNameAsync("beta", Token);
                Assert.Equal(alpha.Pid, guessed.Id);
                LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(async () => await guessed.DestroyAsync(cancellationToken: Token));
                Assert.Contains($"process {alpha.Pid} was not ended", refused.Message, StringComparison.Ordinal);
            }

            Assert.True(alpha.IsAlive);
        }
        finally
        {
            await SignalAsync("CONT", alpha);
        }

        // It answers when it has the processor again.
        await using Connection after = await OpenAsync();
        await Deadline.UntilAsync(Deadline.Default, "the truth", async _ => (await DomainOfAsync(after, alpha)).Name == "alpha", Token);
    }

    [Fact]
    public async Task A_guess_that_was_listed_yields_to_who_bears_the_name_and_to_the_truth()
    {
        string directory = MakeDirectory("x");
        PlainQemu alpha = await StartBeforeFileAsync($"{directory}/a.sock");
        OracleMonitor owner = await OracleMonitor.ConnectAsync($"{directory}/a.sock", cancellationToken: Token);
        await using Connection connection = await OpenAsync($"qmp://{directory}");
        Domain listed = await DomainOfAsync(connection, alpha);
        Assert.Equal("beta", listed.Name);
        PlainQemu beta = await StartAsync("beta", $"{directory}/b.sock", Guid.NewGuid());
        Assert.Equal("beta", (await DomainOfAsync(connection, beta)).Name);
        Assert.Equal(beta.Pid, (await connection.LookupByNameAsync("beta", Token)).Id);
        await owner.DisposeAsync();
        await Deadline.UntilAsync(Deadline.Default, "the truth", async _ => (await DomainOfAsync(connection, alpha)).Name == "alpha", Token);
        Assert.Equal("beta", (await DomainOfAsync(connection, beta)).Name);
        await IsReachedAsync(listed, alpha);
    }

    [Fact]
    public async Task One_that_could_not_say_its_name_when_it_was_listed_gets_it_when_it_says_it()
    {
        string file = Root.File("vm.cfg"), directory = MakeDirectory("x");
        await File.WriteAllTextAsync(file, Named("alpha"), Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Arguments = ["-readconfig", file, .. Monitor($"{directory}/q.sock")] });
        await TouchAsync(file);
        OracleMonitor owner = await OracleMonitor.ConnectAsync($"{directory}/q.sock", cancellationToken: Token);
        await using Connection connection = await OpenAsync($"qmp://{directory}");
        Domain listed = await DomainOfAsync(connection, qemu);
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"qemu-{qemu.Pid}"), listed.Name);
        await owner.DisposeAsync();
        await Deadline.UntilAsync(Deadline.Default, "the name", async _ => (await DomainOfAsync(connection, qemu)).Name == "alpha", Token);
        Assert.Equal(qemu.Pid, (await connection.LookupByNameAsync("alpha", Token)).Id);
        await IsReachedAsync(listed, qemu);

        // From now on it keeps it.
        PlainQemu other = await StartAsync("alpha", $"{directory}/other.sock", Guid.NewGuid());
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"alpha@{other.Pid}"), (await DomainOfAsync(connection, other)).Name);
        Assert.Equal("alpha", (await DomainOfAsync(connection, qemu)).Name);
    }

    [Fact]
    public async Task Once_it_is_trusted_a_QEMU_has_its_own_name_and_UUID_and_handles_from_before_lead_to_it()
    {
        Guid uuid = Guid.NewGuid();
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "guest",
            Uuid = uuid,
            Arguments = [.. Monitor(Root.File("q.sock")), .. RunWith("user", "nobody")],
        });
        await using Connection connection = await OpenAsync();
        Domain listed = await DomainOfAsync(connection, qemu);
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"qemu-{qemu.Pid}"), listed.Name);
        Assert.NotEqual(uuid, listed.Uuid);
        ConnectionOptions trusting = new() { TrustedUserIds = [Nobody] };
        connection.Retrust(trusting);
        Assert.Equal(qemu.Pid, (await connection.LookupByNameAsync("guest", Token)).Id);
        Assert.Equal("guest", (await connection.LookupByUuidAsync(uuid, Token)).Name);
        Assert.Equal(("guest", uuid), ((await DomainOfAsync(connection, qemu)).Name, (await DomainOfAsync(connection, qemu)).Uuid));
        await IsReachedAsync(listed, qemu);

        // Who is trusted no more keeps the name under which it was believed.
        connection.Retrust(new ConnectionOptions());
        Assert.Equal(("guest", uuid), ((await DomainOfAsync(connection, qemu)).Name, (await DomainOfAsync(connection, qemu)).Uuid));
    }

    private static string Named(string name) => $"[name]\n guest = \"{name}\"\n";

    // beta on its command line; alpha by a file behind that.
    private async Task<PlainQemu> StartBeforeFileAsync(string socket)
    {
        string file = Root.File("a.cfg");
        await File.WriteAllTextAsync(file, Named("alpha"), Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Name = "beta", Uuid = Guid.NewGuid(), Arguments = ["-readconfig", file, .. Monitor(socket)] });
        await TouchAsync(file);
        return qemu;
    }

    // It waits for its second file while the first is written for the next one, and its process is made behind that.
    private async Task<PlainQemu> StartDaemonAsync(string directory)
    {
        string file = Root.File("a.cfg"), late = Root.File("late");
        await File.WriteAllTextAsync(file, Named("alpha"), Token);
        Assert.Equal(0, (await ChildProcess.RunAsync("mkfifo", [late], cancellationToken: Token)).ExitCode);
        Task<PlainQemu> starting = StartAsync(new PlainQemuOptions
        {
            Uuid = Guid.NewGuid(),
            Arguments = ["-readconfig", file, "-readconfig", late, .. Monitor($"{directory}/a.sock")],
            PidFile = $"{directory}/pid",
        });

        // Opened only when QEMU has opened it, behind the first.
        await using (FileStream writer = await Task.Run(() => new FileStream(late, FileMode.Open, FileAccess.Write), Token))
        {
            await File.WriteAllTextAsync(file, Named("beta"), Token);
            await Task.Delay(Moment, Token);
            await writer.WriteAsync("# nothing\n"u8.ToArray(), Token);
        }

        return await starting;
    }

    private static async Task TouchAsync(string file)
    {
        await Task.Delay(Moment, Token);
        File.SetLastWriteTimeUtc(file, TimeProvider.System.GetUtcNow().UtcDateTime);
    }

    private static async Task SignalAsync(string signal, PlainQemu qemu) =>
        Assert.Equal(0, (await ChildProcess.RunAsync("kill", [$"-{signal}", $"{qemu.Pid}"], cancellationToken: CancellationToken.None)).ExitCode);
}
