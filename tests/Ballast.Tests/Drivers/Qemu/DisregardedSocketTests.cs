using System.Net.Sockets;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Guests;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Sockets of a directory that turned out to be no monitors, or seemed to be none.</summary>
public sealed class DisregardedSocketTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_was_silent_is_tried_again_later_each_time_and_who_said_something_else_never(bool isCertain)
    {
        using PrivateDirectory directory = new();
        using QemuProcesses processes = new(static (_, _) => { });
        using Socket listener = Listen(directory.File("m"));
        FakeTimeProvider clock = new();
        DirectoryScope scope = new(directory.Path, [], clock);
        MonitorKey key = Assert.Single(Look()).Monitors[0].Endpoint!.Key;

        foreach (int seconds in (int[])[15, 30, 60, 120, 240, 480, 600, 600])
        {
            Assert.Equal(seconds == 15, scope.Disregard(key, isCertain));
            Assert.Empty(Look());
            clock.Advance(TimeSpan.FromSeconds(seconds - 1));
            Assert.Empty(Look());
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(isCertain ? 0 : 1, Look().Count);
        }

        // Another socket at the same path is another service.
        if (isCertain)
        {
            listener.Dispose();
            File.Delete(directory.File("m"));
            Assert.Empty(Look());
            using Socket other = Listen(directory.File("m"));
            Assert.Single(Look());
        }

        List<Sighting> Look() => [.. scope.Look(new HostView(), processes)];
    }

    private static Socket Listen(string path)
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        return listener;
    }
}
