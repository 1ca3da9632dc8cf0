using System.Globalization;
using System.Net.Sockets;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>Processes that a QEMU makes for itself, and those that make it, bear its command line and are no guests.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class HelperProcessTests : IdentityTest
{
    private const uint Nobody = 65534;

    private static string[] AsyncTeardown => Installed.Qemu.Major >= 9 ? ["-run-with", "async-teardown=on"] : ["-async-teardown"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_one_that_frees_a_guests_memory_is_not_listed_and_takes_no_name(bool isOtherUser)
    {
        Guid uuid = Guid.NewGuid();
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "torn",
            Uuid = uuid,
            Arguments = [.. Monitor(Root.File("q.sock")), .. AsyncTeardown, .. isOtherUser ? RunWith("user", "nobody") : []],
        });
        int companion = await CompanionAsync(qemu);
        await using Connection connection = await OpenAsync(trusted: Nobody);
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.DoesNotContain(domains, domain => domain.Id == companion);
        Domain torn = Assert.Single(domains, domain => domain.Id == qemu.Pid);
        Assert.Equal(("torn", uuid), (torn.Name, torn.Uuid));
        await IsReachedAsync(torn, qemu);

        // It outlives the guest for as long as it has memory to free.
        ChildProcess.Freeze(companion);
        try
        {
            await torn.DestroyAsync(cancellationToken: Token);
            await qemu.WaitForDeathAsync(Token);
            Assert.True(Directory.Exists($"/proc/{companion}"));
            Assert.DoesNotContain(await connection.ListDomainsAsync(cancellationToken: Token), IsTorn);
            await using Connection fresh = await OpenAsync(trusted: Nobody);
            Assert.DoesNotContain(await fresh.ListDomainsAsync(cancellationToken: Token), IsTorn);
        }
        finally
        {
            ChildProcess.Thaw(companion);

            // Of a guest that took on another user, the kernel does not tell it the end.
            ChildProcess.Kill(companion);
        }

        static bool IsTorn(Domain domain) => domain.Name.StartsWith("torn", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("setsid")]
    [InlineData("env")]
    public async Task The_one_that_waits_for_a_daemon_to_start_never_takes_its_name(string through)
    {
        Guid uuid = Guid.NewGuid();
        await using Connection connection = await OpenAsync();
        HashSet<(string Name, int Id)> seen = [];
        const int looksAtLeast = 5;
        int looks = 0;

        // It does not go on before somebody connects.
        string gate = Root.File("gate.sock");
        using Socket opener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Task<PlainQemu> starting = StartAsync(new PlainQemuOptions
        {
            Name = "slowly",
            Uuid = uuid,
            Through = [through],
            PidFile = Root.File("pid"),
            Arguments = [.. Monitor(Root.File("q.sock")), "-chardev", $"socket,id=gate,path={gate},server=on,wait=on"],
        });
        while (!starting.IsCompleted)
        {
            foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: Token))
            {
                if (domain.Name.StartsWith("slowly", StringComparison.Ordinal) || domain.Uuid == uuid)
                    seen.Add((domain.Name, domain.Id!.Value));
            }

            if (File.Exists(gate) && ++looks == looksAtLeast)
                await opener.ConnectAsync(new UnixDomainSocketEndPoint(gate), Token);
            await Task.Delay(TimeSpan.FromMilliseconds(5), Token);
        }

        PlainQemu qemu = await starting;
        Assert.True(opener.Connected);
        Domain listed = await connection.LookupByUuidAsync(uuid, Token);
        seen.Add((listed.Name, listed.Id!.Value));
        Assert.Equal([("slowly", qemu.Pid)], seen);
        await IsReachedAsync(await connection.LookupByNameAsync("slowly", Token), qemu);
    }

    // As a program with threads of its own (in Go, Java or Rust) starts another and waits for it: the same command line, QEMU's name.
    private const string Threaded =
        """
        #include <pthread.h>
        #include <signal.h>
        #include <sys/prctl.h>
        #include <sys/wait.h>
        #include <unistd.h>

        static void *wait_for_ever(void *unused) {
            for (;;)
                pause();
            return unused;
        }

        int main(int count, char **arguments) {
            pthread_t thread;
            if (count < 2 || pthread_create(&thread, NULL, wait_for_ever, NULL))
                return 1;
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                execv(QEMU, arguments);
                _exit(1);
            }

            wait(NULL);
            return 0;
        }
        """;

    [Fact]
    public async Task Nor_does_one_that_has_threads_of_its_own()
    {
        string wrapper = $"{MakeDirectory("bin")}/qemu-system-x86_64", source = Root.File("w.c");
        string qemu = (await ChildProcess.RunAsync("bash", ["-c", "command -v qemu-system-x86_64"], cancellationToken: Token)).Output.Trim();
        await File.WriteAllTextAsync(source, Threaded, Token);
        CommandResult built = await ChildProcess.RunAsync("gcc", ["-pthread", $"-DQEMU=\"{qemu}\"", "-o", wrapper, source], cancellationToken: Token);
        Assert.True(built.ExitCode == 0, built.Errors);
        await IsOneGuestAsync(wrapper, []);
    }

    [Fact]
    public async Task A_wrapper_that_waits_under_QEMUs_name_takes_no_name()
    {
        // One thread, QEMU's name and options, and a QEMU for a child.
        string wrapper = $"{MakeDirectory("bin")}/qemu-system-x86_64";
        File.Copy("/usr/bin/perl", wrapper);
        string script = $"{MakeDirectory("script")}/s";
        await File.WriteAllTextAsync(script, "my @c = splice(@ARGV, 0); if (!fork) { exec 'setpriv', '--pdeathsig', 'KILL', @c; } wait;", Token);
        await IsOneGuestAsync(wrapper, [script, "qemu-system-x86_64"]);
    }

    private async Task IsOneGuestAsync(string wrapper, string[] through)
    {
        Guid uuid = Guid.NewGuid();
        string[] command =
        [
            "-accel", "tcg,tb-size=1", "-S", "-M", "microvm,acpi=off", "-m", "64", "-nodefaults", "-no-user-config", "-display", "none",
            "-device", "virtio-balloon-device,id=balloon0", "-name", "wrapped", "-uuid", $"{uuid}", .. Monitor(Root.File("q.sock")),
        ];
        await using ChildProcess parent = await ChildProcess.StartAsync(wrapper, [.. through, .. command]);
        await ListensAsync(Root.File("q.sock"));
        await using Connection connection = await OpenAsync();
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Domain guest = Assert.Single(domains, domain => domain.Name.StartsWith("wrapped", StringComparison.Ordinal) || domain.Uuid == uuid);
        Assert.Equal(("wrapped", uuid), (guest.Name, guest.Uuid));
        Assert.NotEqual(parent.Pid, guest.Id);
        Assert.DoesNotContain(domains, domain => domain.Id == parent.Pid);
        Assert.NotNull((await SampleAsync(guest)).ActualKiB);
        await guest.DestroyAsync(cancellationToken: Token);
    }

    // Its name is the guest's process id.
    private static async Task<int> CompanionAsync(PlainQemu qemu)
    {
        int found = 0;
        await Deadline.UntilAsync(Deadline.Default, "the process that frees the memory", _ =>
        {
            found = Directory.EnumerateDirectories("/proc").Select(path => Path.GetFileName(path))
                .Where(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int _) && Comm(name) == $"cleanup/{qemu.Pid}")
                .Select(name => int.Parse(name, CultureInfo.InvariantCulture)).FirstOrDefault();
            return Task.FromResult(found != 0);
        }, Token);
        return found;
    }

    private static string Comm(string pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return "";
        }
    }
}
