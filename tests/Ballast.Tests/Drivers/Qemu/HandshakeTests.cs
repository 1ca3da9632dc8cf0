using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Tests.Fakes;
using Ballast.Transports;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>
/// What a connection begins with. QEMU lists devices slowly: so it does that where the command line puts a balloon, and else only where
/// QEMU does not say that there is none. Whatever the command line said, a balloon is found.
/// </summary>
public sealed class HandshakeTests
{
    private const string Named = FakeGuest.Peripheral, Anonymous = FakeGuest.Anonymous;

    [Theory]
    [InlineData(null, new string[0], new string[0])]
    [InlineData(null, new[] { Named }, new[] { Named })]
    [InlineData(null, new[] { Named, Anonymous }, new[] { Named, Anonymous })]
    [InlineData("/b", new[] { Named }, new[] { Named })]
    [InlineData("/b", new[] { Anonymous }, new[] { Anonymous, Named })]
    [InlineData("/b", new string[0], new[] { Named, Anonymous })]
    [InlineData("-anon/device[0]", new[] { Anonymous }, new[] { Anonymous })]
    [InlineData("-anon/device[0]", new[] { Named }, new[] { Named, Anonymous })]
    [InlineData("-anon/device[0]", new string[0], new[] { Named, Anonymous })]
    public async Task A_balloon_is_found_wherever_it_was_expected(string? balloon, string[] likely, string[] listed)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Balloon = balloon is null ? null : Named + balloon;
        QmpHello hello = await GreetAsync(fake, likely);
        Assert.Equal(fake.Guest.Balloon, hello.Balloon?.Path);
        Assert.Equal(balloon is null ? null : fake.Guest.ActualBytes, hello.ActualBytes);
        Assert.Equal(listed, fake.Commands.Where(static command => command.Name == "qom-list").Select(static command => command.Key));
    }

    // Of an answer that does not say that there is no balloon, nothing is concluded.
    [Theory]
    [InlineData("KVMMissingCap")]
    [InlineData("GenericError")]
    public async Task A_balloon_whose_size_is_not_told_is_found(string error)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On("query-balloon", FakeQmp.Error(error, "no"));
        Assert.Equal(fake.Guest.Balloon, (await GreetAsync(fake, [])).Balloon?.Path);
    }

    [Theory]
    [InlineData("", new string[0])]
    [InlineData("-device virtio-net-pci,id=balloon0x -name x", new[] { Named })] // A name that misleads costs a question.
    [InlineData("-device virtio-balloon-pci,id=b", new[] { Named })]
    [InlineData("-device virtio-balloon-pci,bus=pci.0,iommu_platform=on", new[] { Anonymous })]
    [InlineData("-device virtio-balloon-pci -device virtio-balloon-pci,id=b", new[] { Anonymous, Named })]
    [InlineData("-device {\"driver\":\"virtio-balloon-pci\",\"id\":\"b\"}", new[] { Named })]
    [InlineData("-device {\"driver\":\"virtio-balloon-pci\"}", new[] { Anonymous })]
    [InlineData("-device {balloon", new[] { Anonymous })]
    [InlineData("-name balloon", new string[0])]
    [InlineData("-readconfig FILE", new[] { Named, Anonymous })]
    public void The_command_line_says_where_a_balloon_is_likely(string arguments, string[] likely) =>
        Assert.Equal(likely, new QemuCommandLine(["qemu-system-x86_64", .. arguments.Split(' ')], null).BalloonsLikely);

    [Fact]
    public void Of_a_process_that_nobody_read_nothing_is_expected() => Assert.Equal([Named, Anonymous], QemuCommandLine.Unread.BalloonsLikely);

    private static async Task<QmpHello> GreetAsync(FakeQmp fake, string[] likely)
    {
        Assert.Equal(0, UnixSocketClient.TryConnect(fake.Path, out SafeHandle? socket));
        using QmpChannel channel = new(socket!, TimeProvider.System);
        return await QmpHandshake.RunAsync(channel, likely, static () => { }, TestContext.Current.CancellationToken);
    }
}
