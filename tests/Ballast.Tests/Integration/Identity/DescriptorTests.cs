namespace Ballast.Tests.Integration.Identity;

/// <summary>Sockets that QEMU did not find by a path of its own: below a descriptor, or passed to it whole.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class DescriptorTests : IdentityTest
{
    // Another process creates the socket, whose credentials it bears from then on, hands it over, and stays or goes.
    private const string HandOver =
        """
        import array, os, socket, sys, time
        path, stays, *command = sys.argv[1:]
        ours, its = socket.socketpair()
        parent = os.getpid()
        if os.fork() == 0:
            ours.close()
            s = socket.socket(socket.AF_UNIX)
            s.bind(path)
            s.listen(1)
            its.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
            s.close()
            its.close()
            while stays == "stays" and os.getppid() == parent:
                time.sleep(.05)
            os._exit(0)
        its.close()
        _, data, *_ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        received = array.array("i", data[0][2][:4])[0]
        if stays != "stays":
            os.wait()
        os.dup2(received, 3, inheritable=True)
        os.environ["LISTEN_PID"] = str(parent)
        os.environ["LISTEN_FDS"] = "1"
        os.execvp(command[0], command)
        """;

    [Theory]
    [InlineData("exec 7<\"$0\"; exec \"$@\"", "/proc/self/fd/7/q.sock")]
    [InlineData("exec 7<\"$0\"; exec \"$@\"", "/dev/fd/7/q.sock")]
    [InlineData("cd \"$0\"; exec \"$@\"", "/proc/self/cwd/q.sock")]
    [InlineData("cd \"$0\"; exec \"$@\"", "//proc/./self/../self/cwd/q.sock")]
    [InlineData("cd \"$0\"; exec \"$@\"", "/proc/self/task/../cwd/../x/q.sock")]
    [InlineData("cd \"$0\"; ln -s /proc/thread-self/cwd ../link; exec \"$@\"", "../link/q.sock")]
    [InlineData("exec 7<\"$0\"; ln -s /proc/self/fd/7 \"$0/../link\"; exec \"$@\"", "ROOT/link/q.sock")]
    [InlineData("mkdir -p \"$0/../a/b\"; ln -s \"$0/../a/b\" \"$0/link\"; ln -s \"$0\" \"$0/../a/up\"; exec \"$@\"", "ROOT/x/link/../up/q.sock")]
    public async Task A_path_below_its_own_proc_is_the_processs_and_not_ours(string script, string path)
    {
        string directory = MakeDirectory("x");
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "vm",
            Uuid = Guid.NewGuid(),
            Arguments = Monitor(path.Replace("ROOT", Root.Path, StringComparison.Ordinal)),
            Through = ["bash", "-c", script, directory],
        });
        foreach (string uri in (string[])[Host, $"qmp://{directory}"])
        {
            await using Connection connection = await OpenAsync(uri);
            await IsReachedAsync(await connection.LookupByNameAsync("vm", Token), qemu);
        }
    }

    [Theory]
    [InlineData("stays", "chardev")]
    [InlineData("goes", "chardev")]
    [InlineData("stays", "short")]
    [InlineData("goes", "short")]
    public async Task A_listening_socket_that_another_process_passed_is_proven_by_its_own_table(string creator, string form)
    {
        string directory = MakeDirectory("x"), socket = $"{directory}/q.sock";
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "passed",
            Uuid = Guid.NewGuid(),
            Arguments = form == "short"
                ? ["-qmp", "unix:fd=3,server=on,wait=off"]
                : ["-chardev", "socket,id=m,fd=3,server=on,wait=off", "-mon", "chardev=m,mode=control"],
            Through = ["/usr/bin/python3", "-c", HandOver, socket, creator],
        });
        foreach (string uri in (string[])[Host, $"qmp://{directory}", $"qmp://{socket}"])
        {
            await using Connection connection = await OpenAsync(uri);
            await IsReachedAsync(await connection.LookupByNameAsync("passed", Token), qemu);
        }

        await using Connection last = await OpenAsync();
        await (await last.LookupByNameAsync("passed", Token)).DestroyAsync(cancellationToken: Token);
        await qemu.WaitForDeathAsync(Token);
    }
}
