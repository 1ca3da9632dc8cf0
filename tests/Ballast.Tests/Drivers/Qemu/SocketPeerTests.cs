using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Guests;
using Ballast.Transports;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Who called listen() may be gone while somebody else has its socket: its id says nothing any more.</summary>
public sealed class SocketPeerTests
{
    // A socket that a child made, whose end was waited for; then one of its own.
    private const string Listen =
        """
        import os, socket, sys, time
        ours, its = socket.socketpair()
        child = os.fork()
        if child == 0:
            s = socket.socket(socket.AF_UNIX)
            s.bind(sys.argv[1] + "/dead")
            s.listen(1)
            socket.send_fds(its, [b"x"], [s.fileno()])
            os._exit(0)
        passed = socket.recv_fds(ours, 1, 1)[1]
        os.waitpid(child, 0)
        s = socket.socket(socket.AF_UNIX)
        s.bind(sys.argv[1] + "/live")
        s.listen(1)
        time.sleep(600)
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_that_ended_does_not_live_though_its_socket_does()
    {
        using PrivateDirectory directory = new();
        await using ChildProcess program = await ChildProcess.StartAsync("/usr/bin/python3", ["-c", Listen, directory.Path]);
        await Deadline.UntilAsync(Deadline.Default, "sockets", _ => Task.FromResult(UnixSocket.IsListening(directory.File("live"))), Token);
        UnixSocketPeer live = PeerAt(directory.File("live")), dead = PeerAt(directory.File("dead"));
        Assert.Equal(program.Pid, live.Pid);
        Assert.NotEqual(program.Pid, dead.Pid);

        // Linux before 6.5 cannot tell.
        Assert.Equal(live.IsAlive is null ? (null, null) : ((bool?)true, (bool?)false), (live.IsAlive, dead.IsAlive));
    }

    private static UnixSocketPeer PeerAt(string path)
    {
        Assert.Equal(0, UnixSocketClient.TryConnect(path, out SafeHandle? socket));
        using (socket)
            return UnixSocketPeer.Of(socket!);
    }
}
