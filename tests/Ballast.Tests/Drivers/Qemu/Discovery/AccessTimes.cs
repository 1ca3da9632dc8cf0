using System.Net.Sockets;
using Ballast.Guests;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>Whether a directory's file system notes when somebody connects to a socket in it: many are mounted so that it does not.</summary>
internal static class AccessTimes
{
    /// <summary>Skips the test where it does not.</summary>
    public static async Task RequireAsync(PrivateDirectory directory, CancellationToken cancellationToken) =>
        Assert.SkipUnless(
            await AreKeptAsync(directory.File("probe.sock"), cancellationToken), $"The file system of {directory.Path} keeps no access times of sockets.");

    private static async Task<bool> AreKeptAsync(string path, CancellationToken cancellationToken)
    {
        using Socket listener = UnixSocket.Listen(path);
        DateTime made = File.GetLastAccessTimeUtc(path);

        // The clock of files moves on in steps of a few milliseconds.
        await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        await using NetworkStream client = await UnixSocket.ConnectAsync(path, cancellationToken);
        using Socket accepted = await listener.AcceptAsync(cancellationToken);
        return File.GetLastAccessTimeUtc(path) > made;
    }
}
