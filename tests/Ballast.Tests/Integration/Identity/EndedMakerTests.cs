using System.Globalization;
using Ballast.Guests;
using Ballast.Tests.Telemetry;

namespace Ballast.Tests.Integration.Identity;

/// <summary>
/// A socket whose process ends stays in the kernel's table for a moment, and what is connected to it too. Nothing of that shows a guest.
/// </summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class EndedMakerTests : IdentityTest
{
    private const int LeftOut = 113;

    // A monitor that one process makes and another serves, which has all its descriptors: it waits for a file before it greets, and once it
    // said who it is, it says nothing more, or ends the connection and writes a file, and waits for another one before it greets again.
    private const string Serve =
        """
        import json, os, socket, sys, time
        path, note, name, awaited, then = sys.argv[1:]
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(4)
        os.chmod(path, 0o777)
        server = os.fork()
        if server:
            with open(note + ".new", "w") as file:
                file.write(str(server))
            os.rename(note + ".new", note)
            os.waitpid(server, 0)
        for output in 1, 2:
            os.dup2(os.open(os.devnull, os.O_WRONLY), output)
        answers = {
            "qmp_capabilities": {}, "query-name": {"name": name}, "query-uuid": {"UUID": "00000000-0000-0000-0000-000000000000"},
            "query-status": {"status": "running", "running": True},
        }
        def serve(client):
            client.sendall(b'{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 8}, "package": ""}, "capabilities": []}}\r\n')
            text, told = "", False
            while more := client.recv(4096).decode():
                text += more
                while text.strip() and not (told and then == "silent"):
                    try:
                        command, end = json.JSONDecoder().raw_decode(text.lstrip())
                    except ValueError:
                        break
                    text = text.lstrip()[end:]
                    asked = command["execute"]
                    reply = {"return": answers[asked]} if asked in answers else {"error": {"class": "CommandNotFound", "desc": asked}}
                    if "id" in command:
                        reply["id"] = command["id"]
                    client.sendall(json.dumps(reply).encode() + b"\r\n")
                told = told or not text.strip()
                if told and then.startswith("/"):
                    return
        while not server:
            while awaited and not os.path.exists(awaited):
                time.sleep(0.001)
            with listener.accept()[0] as client:
                try:
                    serve(client)
                except OSError:
                    pass
            if then.startswith("/"):
                open(then, "w").close()
                awaited, then = then + ".back", ""
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whose_socket_is_being_closed_is_listed_only_if_somebody_answers(bool answers)
    {
        string directory = MakeDirectory("x");
        (ChildProcess maker, int server) = await ServeAsync($"{directory}/q.sock", "red");
        using HeardLog log = new();
        await using Connection before = await OpenAsync($"qmp://{directory}");
        Assert.Equal("red", Assert.Single(await before.ListDomainsAsync(cancellationToken: Token)).Name);
        await EndAsync(maker);
        if (!answers)
            ChildProcess.Freeze(server);
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{directory}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20), LoggerFactory = log }, Token);

        // Somebody may miss one that is silent: it is said that it is left out.
        Assert.Equal(answers ? ["red"] : [], await NamesAsync(connection, Token));
        if (!answers)
            Assert.Contains($"{directory}/q.sock", await log.HearAsync(LeftOut), StringComparison.Ordinal);
        Assert.Equal(answers ? 0 : 1, log.Count(LeftOut));

        // Who answers later is there again.
        ChildProcess.Thaw(server);
        await Deadline.UntilAsync(Deadline.Default, "the one that answers", async token =>
            (await NamesAsync(connection, token)).SequenceEqual(["red"]), Token);
    }

    [Fact]
    public async Task Who_said_its_name_and_ended_the_connection_while_its_socket_is_being_closed_is_not_listed()
    {
        string directory = MakeDirectory("x"), left = Root.File("left");
        (ChildProcess maker, _) = await ServeAsync($"{directory}/q.sock", "red", then: left);

        // It greets when the other has left: so that end is known by the time that whose the sockets are is looked for.
        _ = await ServeAsync($"{directory}/b.sock", "blue", awaited: left);
        await EndAsync(maker);
        await using Connection connection = await OpenAsync($"qmp://{directory}");
        Assert.Equal(["blue"], await NamesAsync(connection, Token));
        Assert.True(File.Exists(left));

        // Now it lets everybody connect, and says nothing. It was a monitor: so the socket is not taken for another service's.
        Assert.Equal(["blue"], await NamesAsync(connection, Token));
        await File.WriteAllTextAsync(left + ".back", "", Token);
        await Deadline.UntilAsync(Deadline.Default, "the one that greets again", async token =>
            (await NamesAsync(connection, token)).SequenceEqual(["blue", "red"]), Token);
    }

    [Fact]
    public async Task Neither_is_one_whose_socket_was_named()
    {
        string socket = $"{MakeDirectory("x")}/q.sock", left = Root.File("left");
        (ChildProcess maker, _) = await ServeAsync(socket, "red", then: left);
        await EndAsync(maker);
        await using Connection connection = await OpenAsync($"qmp://{socket}");
        await Deadline.UntilAsync(Deadline.Default, "its end", _ => Task.FromResult(File.Exists(left)), Token);
        Assert.Empty(await NamesAsync(connection, Token));
        await File.WriteAllTextAsync(left + ".back", "", Token);
        await Deadline.UntilAsync(Deadline.Default, "the one that greets again", async token =>
            (await NamesAsync(connection, token)).SequenceEqual(["red"]), Token);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_process_that_this_user_may_not_see_is_not_one_that_ended(bool isHidden)
    {
        OpenToAll(Root.Path);
        string directory = MakeDirectory("x"), program = Root.File("ballast");
        OpenToAll(directory);
        File.Copy(BallastProgram.Path, program);
        OpenToAll(program);
        _ = await ServeAsync($"{directory}/q.sock", "red", then: "silent");
        string mount = isHidden ? "mount -t proc -o hidepid=2 proc /proc; " : "";
        CommandResult list = await ChildProcess.RunAsync(
            "unshare",
            ["--mount", "sh", "-e", "-c", $"{mount}exec \"$@\"", "sh", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                program, "-c", $"qmp://{directory}", "list", "--name"],
            cancellationToken: Token);
        Assert.Equal((0, "red"), (list.ExitCode, list.Output.Trim()));
    }

    private static async Task EndAsync(ChildProcess maker)
    {
        maker.Kill();
        await maker.WaitForExitAsync(Token);
    }

    private static async Task<string[]> NamesAsync(Connection connection, CancellationToken token) =>
        [.. (await connection.ListDomainsAsync(cancellationToken: token)).Select(static domain => domain.Name)];

    private async Task<(ChildProcess Maker, int Server)> ServeAsync(string socket, string name, string awaited = "", string then = "")
    {
        string note = Root.File($"{name}.pid");
        ChildProcess maker = Own(await ChildProcess.StartAsync("/usr/bin/python3", ["-c", Serve, socket, note, name, awaited, then]));
        await Deadline.UntilAsync(Deadline.Default, "who serves", _ => Task.FromResult(File.Exists(note)), Token);
        int server = int.Parse(await File.ReadAllTextAsync(note, Token), CultureInfo.InvariantCulture);
        _ = Own(new Served(server));
        return (maker, server);
    }

    private sealed class Served(int pid) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            ChildProcess.Kill(pid);
            return default;
        }
    }
}
