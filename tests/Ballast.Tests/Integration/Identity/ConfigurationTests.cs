using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>QEMU reads a file of -readconfig once, when it starts; by now it may be another one's.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class ConfigurationTests : IdentityTest
{
    [Theory]
    [InlineData(Host, false)]
    [InlineData("directory", false)]
    [InlineData(Host, true)]
    [InlineData("directory", true)]
    public async Task What_a_file_says_now_names_nobody_who_read_something_else(string where, bool isLink)
    {
        string directory = MakeDirectory("x"), file = Root.File("vm.cfg");
        string[] files = [Root.File("a.cfg"), Root.File("b.cfg")];
        await File.WriteAllTextAsync(files[0], Named("alpha"), Token);
        await File.WriteAllTextAsync(files[1], Named("beta"), Token);
        PlainQemu[] qemus = [await StartNextAsync(0), await StartNextAsync(1)];
        string uri = where == Host ? Host : $"qmp://{directory}";

        await using (Connection connection = await OpenAsync(uri))
        {
            foreach ((PlainQemu qemu, string name) in qemus.Zip((string[])["alpha", "beta"]))
            {
                Domain domain = await connection.LookupByNameAsync(name, Token);
                Assert.Equal(qemu.Pid, domain.Id);
                await IsReachedAsync(domain, qemu);
                Assert.Equal(name, (await DomainOfAsync(connection, qemu)).Name);
            }
        }

        CommandResult destroyed = await BallastProgram.RunAsync(Token, "-c", uri, "destroy", "beta");
        Assert.Equal((0, ""), (destroyed.ExitCode, destroyed.Errors));
        await qemus[1].WaitForDeathAsync(Token);
        Assert.True(qemus[0].IsAlive);

        // Each from the one path, which leads to the next one's by then.
        async Task<PlainQemu> StartNextAsync(int number)
        {
            if (isLink)
            {
                File.Delete(file);
                File.CreateSymbolicLink(file, files[number]);
            }
            else
            {
                await File.WriteAllTextAsync(file, await File.ReadAllTextAsync(files[number], Token), Token);
            }

            return await StartAsync(new PlainQemuOptions
            {
                Uuid = Guid.NewGuid(),
                Arguments = ["-readconfig", file, .. Monitor($"{directory}/{number}.sock")],
            });
        }
    }

    [Fact]
    public async Task One_without_a_monitor_that_can_be_asked_does_not_bear_the_name_of_the_next()
    {
        string file = Root.File("vm.cfg");
        await File.WriteAllTextAsync(file, Named("alpha"), Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Uuid = Guid.NewGuid(), Arguments = ["-readconfig", file] });
        await using (Connection before = await OpenAsync())
            Assert.Equal("alpha", (await DomainOfAsync(before, qemu)).Name);
        await File.WriteAllTextAsync(file, Named("beta"), Token);
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainOfAsync(connection, qemu);
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"qemu-{qemu.Pid}"), domain.Name);
        Assert.Contains("could not be read or was changed since", (await SampleAsync(domain)).Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("renamed")]
    [InlineData("renamed and used")]
    [InlineData("linked")]
    public async Task One_that_says_nothing_does_not_bear_the_name_in_a_file_that_came_to_its_files_place(string how)
    {
        string place = MakeDirectory("conf"), current = MakeDirectory("conf/current"), other = MakeDirectory("conf/other");
        await File.WriteAllTextAsync($"{current}/vm.cfg", Named("beta"), Token);
        await File.WriteAllTextAsync($"{other}/vm.cfg", Named("alpha"), Token);
        string way = how == "linked" ? $"{place}/link" : current;
        if (how == "linked")
            File.CreateSymbolicLink(way, "current");
        await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Uuid = Guid.NewGuid(),
            Arguments = ["-readconfig", $"{way}/vm.cfg", .. Monitor($"{MakeDirectory("x")}/q.sock")],
        });
        await using (Connection before = await OpenAsync())
            Assert.Equal("beta", (await DomainOfAsync(before, qemu)).Name);
        await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
        if (how == "linked")
        {
            File.Delete(way);
            File.CreateSymbolicLink(way, "other");
        }
        else
        {
            Directory.Move(current, $"{place}/away");
            Directory.Move(other, current);
            if (how == "renamed and used")
                await File.WriteAllTextAsync($"{current}/note", "", Token);
        }

        await qemu.StopAsync(Token);
        await using (Connection connection = await OpenAsync(timeout: TimeSpan.FromSeconds(1)))
        {
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"qemu-{qemu.Pid}"), (await DomainOfAsync(connection, qemu)).Name);
            LibvirtException nobody = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.LookupByNameAsync("alpha", Token));
            Assert.Equal(ErrorCode.NoDomain, nobody.Code);
        }

        CommandResult destroyed = await BallastProgram.RunAsync(Token, "-c", Host, "destroy", "alpha");
        Assert.Equal(1, destroyed.ExitCode);
        Assert.True(qemu.IsAlive);
        qemu.Continue();
        await using Connection after = await OpenAsync();
        await Deadline.UntilAsync(Deadline.Default, "its own word", async _ => (await DomainOfAsync(after, qemu)).Name == "beta", Token);
        await IsReachedAsync(await DomainOfAsync(after, qemu), qemu);
    }

    [Fact]
    public async Task One_that_greets_when_nobody_waits_any_more_bears_its_own_name()
    {
        string file = Root.File("vm.cfg");
        await File.WriteAllTextAsync(file, Named("alpha"), Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Uuid = Guid.NewGuid(),
            Arguments = ["-readconfig", file, .. Monitor($"{MakeDirectory("x")}/q.sock")],
        });
        await File.WriteAllTextAsync(file, Named("beta"), Token);
        await qemu.StopAsync(Token);
        await using Connection connection = await OpenAsync();
        string substitute = string.Create(CultureInfo.InvariantCulture, $"qemu-{qemu.Pid}");
        Assert.Equal(substitute, (await DomainOfAsync(connection, qemu)).Name);
        qemu.Continue();
        await Deadline.UntilAsync(Deadline.Default, "its own word", async _ => (await DomainOfAsync(connection, qemu)).Name != substitute, Token);
        Domain domain = await connection.LookupByNameAsync("alpha", Token);
        await IsReachedAsync(domain, qemu);
    }

    [Fact]
    public async Task A_file_that_was_slow_once_is_read_when_it_answers()
    {
        string file = Root.File("slow.cfg"), socket = Root.File("q.sock");
        await File.WriteAllTextAsync(file, WithMonitor(socket), Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Uuid = Guid.NewGuid(), Arguments = ["-readconfig", file] });
        using ManualResetEventSlim answers = new();
        HostCalls.Fault = (_, what) =>
        {
            if (what.EndsWith("slow.cfg", StringComparison.Ordinal))
                answers.Wait(CancellationToken.None);
            return 0;
        };
        try
        {
            await using Connection connection = await OpenAsync();
            Domain before = await DomainOfAsync(connection, qemu);
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"qemu-{qemu.Pid}"), before.Name);
            Assert.Contains("could not be read or was changed since", (await SampleAsync(before)).Detail, StringComparison.Ordinal);

            answers.Set();
            await Deadline.UntilAsync(Deadline.Default, "its file", async _ => (await DomainOfAsync(connection, qemu)).Name == "alpha", Token);
            await IsReachedAsync(await connection.LookupByNameAsync("alpha", Token), qemu);

            // The handle leads to the same one.
            Assert.Equal(qemu.MemoryKib, (await SampleAsync(before)).ActualKiB);
        }
        finally
        {
            answers.Set();
            HostCalls.Fault = null;
        }
    }

    [Fact]
    public async Task A_monitor_is_found_by_a_file_whose_directory_is_in_use()
    {
        string directory = MakeDirectory("vms/one"), socket = $"{directory}/q.sock";
        await File.WriteAllTextAsync($"{directory}/vm.cfg", WithMonitor(socket), Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Uuid = Guid.NewGuid(), Arguments = ["-readconfig", $"{directory}/vm.cfg"] });
        await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
        MakeDirectory("vms/two");
        await File.WriteAllTextAsync($"{directory}/note", "", Token);
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainOfAsync(connection, qemu);
        Assert.Equal("alpha", domain.Name);
        await IsReachedAsync(domain, qemu);
    }

    [Fact]
    public async Task A_script_that_writes_the_file_and_becomes_QEMU_changes_nothing()
    {
        string file = Root.File("vm.cfg"), socket = Root.File("q.sock");
        string text = WithMonitor(socket);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Uuid = Guid.NewGuid(),
            Arguments = ["-readconfig", file],
            Through = ["sh", "-c", "sleep 0.5; printf %s \"$0\" > \"$1\"; shift; exec \"$@\"", text, file],
        });
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainOfAsync(connection, qemu);
        Assert.Equal("alpha", domain.Name);
        await IsReachedAsync(domain, qemu);
    }

    private static string WithMonitor(string socket) =>
        $"{Named("alpha")}[chardev \"m\"]\n backend = \"socket\"\n path = \"{socket}\"\n server = \"on\"\n wait = \"off\"\n[mon]\n chardev = \"m\"\n mode = \"control\"\n";

    private static string Named(string name) => $"[name]\n guest = \"{name}\"\n";
}
