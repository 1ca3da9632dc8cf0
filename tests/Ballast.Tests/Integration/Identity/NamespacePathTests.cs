using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A network namespace is reached through a process in it, which may end before the others there.</summary>
[Trait("needs", "qemu")]
public sealed class NamespacePathTests : IdentityTest
{
    [Fact]
    public async Task Its_sockets_are_seen_as_long_as_anybody_is_there()
    {
        ChildProcess first = Own(await ChildProcess.StartAsync("unshare", ["--net", "sleep", "300"]));
        NetNamespace? place = null;
        await Deadline.UntilAsync(Deadline.Default, "network namespace", _ => Task.FromResult((place = NetNamespace.Of(first.Pid)) is { IsOwn: false }), Token);
        ChildProcess other = Own(await ChildProcess.StartAsync(
            "nsenter", ["--net", "--target", first.Pid.ToString(CultureInfo.InvariantCulture), "sleep", "300"]));
        await Deadline.UntilAsync(Deadline.Default, "second process", _ => Task.FromResult(place!.Equals(NetNamespace.Of(other.Pid))), Token);
        Assert.NotNull(new HostView().Sockets(place!));

        await first.DisposeAsync();
        Assert.NotNull(new HostView().Sockets(place!));
        await other.DisposeAsync();
        Assert.Null(new HostView().Sockets(place!));
    }
}
