using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>
/// A socket whose process ends stays in the kernel's table for a moment, and what is connected to it too. Nothing of that shows a guest.
/// </summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class EndedMakerTests : IdentityTest
{
    // A monitor that one process makes and another serves, which has all its descriptors.
    private const string Serve =
        """
        import json, os, socket, sys
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        listener.listen(1)
        server = os.fork()
        if server:
            with open(sys.argv[2] + ".new", "w") as file:
                file.write(str(server))
            os.rename(sys.argv[2] + ".new", sys.argv[2])
            os.waitpid(server, 0)
        for output in 1, 2:
            os.dup2(os.open(os.devnull, os.O_WRONLY), output)
        answers = {
            "qmp_capabilities": {}, "query-name": {"name": "red"}, "query-uuid": {"UUID": "00000000-0000-0000-0000-000000000000"},
            "query-status": {"status": "running", "running": True},
        }
        while not server:
            client = listener.accept()[0]
            client.sendall(b'{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 8}, "package": ""}, "capabilities": []}}\r\n')
            text = ""
            while more := client.recv(4096).decode():
                text += more
                while text.strip():
                    try:
                        command, end = json.JSONDecoder().raw_decode(text.lstrip())
                    except ValueError:
                        break
                    text = text.lstrip()[end:]
                    name = command["execute"]
                    reply = {"return": answers[name]} if name in answers else {"error": {"class": "CommandNotFound", "desc": name}}
                    if "id" in command:
                        reply["id"] = command["id"]
                    client.sendall(json.dumps(reply).encode() + b"\r\n")
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whose_socket_is_being_closed_is_listed_only_if_somebody_answers(bool answers)
    {
        string directory = MakeDirectory("x"), socket = $"{directory}/q.sock", note = Root.File("pid");
        await using ChildProcess maker = await ChildProcess.StartAsync("/usr/bin/python3", ["-c", Serve, socket, note]);
        await Deadline.UntilAsync(Deadline.Default, "who serves", _ => Task.FromResult(File.Exists(note)), Token);
        int server = int.Parse(await File.ReadAllTextAsync(note, Token), CultureInfo.InvariantCulture);
        try
        {
            await using Connection before = await OpenAsync($"qmp://{directory}");
            Assert.Equal("red", Assert.Single(await before.ListDomainsAsync(cancellationToken: Token)).Name);
            maker.Kill();
            await maker.WaitForExitAsync(Token);
            if (!answers)
                ChildProcess.Freeze(server);
            await using Connection connection = await OpenAsync($"qmp://{directory}");
            if (!answers)
                Assert.Empty(await connection.ListDomainsAsync(cancellationToken: Token));

            // Who answers later is there again.
            ChildProcess.Thaw(server);
            await Deadline.UntilAsync(Deadline.Default, "the one that answers", async token =>
                (await connection.ListDomainsAsync(cancellationToken: token)).Select(static domain => domain.Name).SequenceEqual(["red"]), Token);
        }
        finally
        {
            ChildProcess.Kill(server);
        }
    }
}
