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

    // A monitor that one process makes and another serves, which has all its descriptors. It waits for a file before it greets. Then it takes
    // one turn after another: "silent" says its name and nothing more; "rude" does not greet; a file's name says its name, ends the connection,
    // writes the file, and waits for another one before it greets again; with "+" before it, it answers as QEMU does, notes that it was asked, and
    // waits for a file before it ends the connection; "" answers as QEMU does.
    private const string Serve =
        """
        import json, os, socket, sys, threading, time
        path, note, name, awaited, *turns = sys.argv[1:]
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
        def leave(client, awaited):
            while not os.path.exists(awaited):
                time.sleep(0.001)
            client.shutdown(socket.SHUT_RDWR)
        def serve(client, turn):
            if turn == "rude":
                client.sendall(b"220 mail\r\n")
                return
            client.sendall(b'{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 8}, "package": ""}, "capabilities": []}}\r\n')
            if turn.startswith("+"):
                threading.Thread(target=leave, args=(client, turn[1:] + ".go"), daemon=True).start()
            text, told = "", False
            while more := client.recv(4096).decode():
                text += more
                while text.strip() and not (told and turn == "silent"):
                    try:
                        command, end = json.JSONDecoder().raw_decode(text.lstrip())
                    except ValueError:
                        break
                    text = text.lstrip()[end:]
                    asked = command["execute"]
                    reply = {"return": answers[asked]} if asked in answers else {"error": {"class": "CommandNotFound", "desc": asked}}
                    if asked == "query-status" and turn.startswith("+"):
                        open(turn[1:] + ".asked", "w").close()
                    if "id" in command:
                        reply["id"] = command["id"]
                    client.sendall(json.dumps(reply).encode() + b"\r\n")
                told = told or not text.strip()
                if told and turn.startswith("/"):
                    return
        while not server:
            turn = turns.pop(0) if turns else ""
            while awaited and not os.path.exists(awaited):
                time.sleep(0.001)
            with listener.accept()[0] as client:
                try:
                    serve(client, turn)
                except OSError:
                    pass
            if "/" in turn:
                left = turn.lstrip("+")
                open(left, "w").close()
                awaited = left + ".back"
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
        if (!answers)
        {
            Assert.Empty(await NamesAsync(connection, Token));
            Assert.Contains($"{directory}/q.sock", await log.HearAsync(LeftOut), StringComparison.Ordinal);
            Assert.Equal(1, log.Count(LeftOut));
        }

        // Who answers later is there again.
        ChildProcess.Thaw(server);
        await ListsAsync(connection, "red");
        int said = log.Count(LeftOut);
        Assert.Equal(["red"], await NamesAsync(connection, Token));
        Assert.Equal(said, log.Count(LeftOut));
    }

    [Fact]
    public async Task Who_said_its_name_and_ended_the_connection_while_its_socket_is_being_closed_is_not_listed()
    {
        string directory = MakeDirectory("x"), left = Root.File("left");
        (ChildProcess maker, _) = await ServeAsync($"{directory}/q.sock", "red", turns: left);

        // It greets when the other has left: so that end is known by the time that whose the sockets are is looked for.
        _ = await ServeAsync($"{directory}/b.sock", "blue", awaited: left);
        await EndAsync(maker);
        await using Connection connection = await OpenAsync($"qmp://{directory}");
        await ListsAsync(connection, "blue");
        Assert.True(File.Exists(left));

        // Now it lets everybody connect, and says nothing. It was a monitor: so the socket is not taken for another service's.
        Assert.Equal(["blue"], await NamesAsync(connection, Token));
        await File.WriteAllTextAsync(left + ".back", "", Token);
        await ListsAsync(connection, "blue", "red");
    }

    [Fact]
    public async Task Neither_is_one_that_says_its_name_to_the_next_and_then_nothing()
    {
        string directory = MakeDirectory("x"), left = Root.File("left");
        (ChildProcess maker, _) = await ServeAsync($"{directory}/q.sock", "red", turns: [left, .. Enumerable.Repeat("silent", 50)]);
        _ = await ServeAsync($"{directory}/b.sock", "blue", awaited: left);
        await EndAsync(maker);
        using HeardLog log = new();
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{directory}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20), LoggerFactory = log }, Token);
        await ListsAsync(connection, "blue");
        await File.WriteAllTextAsync(left + ".back", "", Token);
        await Deadline.UntilAsync(Deadline.Default, "the line that it is left out", async token =>
        {
            Assert.Equal(["blue"], await NamesAsync(connection, token));
            return log.Lines.Any(line => line.Event == LeftOut && line.Text.Contains($"{directory}/q.sock", StringComparison.Ordinal)
                && line.Text.Contains("did not answer", StringComparison.Ordinal));
        }, Token);
    }

    [Fact]
    public async Task Who_once_said_its_name_is_no_other_service_however_often_it_ends_the_connection()
    {
        string directory = MakeDirectory("x");
        string[] left = [.. Enumerable.Range(0, 4).Select(number => Root.File($"left{number}"))];
        foreach (string file in left)
            await File.WriteAllTextAsync(file + ".back", "", Token);
        (ChildProcess maker, _) = await ServeAsync($"{directory}/q.sock", "red", turns: [.. left, "rude"]);
        await EndAsync(maker);
        await using Connection connection = await OpenAsync($"qmp://{directory}");
        await ListsAsync(connection, "red");
    }

    [Fact]
    public async Task Who_outlived_its_maker_and_answered_stays_listed_while_it_serves_another()
    {
        string directory = MakeDirectory("x"), left = Root.File("left");
        (ChildProcess maker, _) = await ServeAsync($"{directory}/q.sock", "red", turns: ["+" + left]);
        await EndAsync(maker);
        await using Connection connection = await OpenAsync($"qmp://{directory}");

        // This asks all that have not answered yet, and nobody is told of any.
        bool wasAsked = false;
        await Deadline.UntilAsync(Deadline.Default, "lookup that need not ask any more", async token =>
        {
            File.Delete(left + ".asked");
            _ = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.LookupByNameAsync("green", token));
            bool isAsked = File.Exists(left + ".asked");
            wasAsked |= isAsked;
            return wasAsked && !isAsked;
        }, Token);
        await File.WriteAllTextAsync(left + ".go", "", Token);
        await Deadline.UntilAsync(Deadline.Default, "its end", _ => Task.FromResult(File.Exists(left)), Token);
        Assert.Contains("red", await NamesAsync(connection, Token));
    }

    [Fact]
    public async Task Neither_is_one_whose_socket_was_named()
    {
        string socket = $"{MakeDirectory("x")}/q.sock", left = Root.File("left");
        (ChildProcess maker, _) = await ServeAsync(socket, "red", turns: left);
        await EndAsync(maker);
        await using Connection connection = await OpenAsync($"qmp://{socket}");
        await Deadline.UntilAsync(Deadline.Default, "its end", _ => Task.FromResult(File.Exists(left)), Token);
        Assert.Empty(await NamesAsync(connection, Token));
        await File.WriteAllTextAsync(left + ".back", "", Token);
        await ListsAsync(connection, "red");
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
        _ = await ServeAsync($"{directory}/q.sock", "red", turns: "silent");
        string mount = isHidden ? "mount -t proc -o hidepid=2 proc /proc; " : "";

        // On a busy machine it may not answer the first.
        await Deadline.UntilAsync(Deadline.Default, "the one whose maker is hidden", async token =>
        {
            CommandResult list = await ChildProcess.RunAsync(
                "unshare",
                ["--mount", "sh", "-e", "-c", $"{mount}exec \"$@\"", "sh", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                    program, "-c", $"qmp://{directory}", "list", "--name"],
                cancellationToken: token);
            return (list.ExitCode, list.Output.Trim()) == (0, "red");
        }, Token);
    }

    private static async Task EndAsync(ChildProcess maker)
    {
        maker.Kill();
        await maker.WaitForExitAsync(Token);
    }

    // On a busy machine somebody may answer too late for the first list; but nobody else is in any of them.
    private static Task ListsAsync(Connection connection, params string[] names) =>
        Deadline.UntilAsync(Deadline.Default, $"list of {string.Join(" and ", names)}", async token =>
        {
            string[] listed = await NamesAsync(connection, token);
            Assert.Empty(listed.Except(names));
            return listed.SequenceEqual(names);
        }, Token);

    private static async Task<string[]> NamesAsync(Connection connection, CancellationToken token) =>
        [.. (await connection.ListDomainsAsync(cancellationToken: token)).Select(static domain => domain.Name)];

    private async Task<(ChildProcess Maker, int Server)> ServeAsync(string socket, string name, string awaited = "", params string[] turns)
    {
        string note = Root.File($"{name}.pid");
        ChildProcess maker = Own(await ChildProcess.StartAsync("/usr/bin/python3", ["-c", Serve, socket, note, name, awaited, .. turns]));
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
