using Ballast.Guests;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Programs that speak QMP and run no guest, as qemu-storage-daemon: what ends one takes away other guests' disks.</summary>
public sealed class NoGuestTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_a_directory_it_is_no_domain_and_is_not_asked_again()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp guest = FakeQmp.Start(path: directory.File("guest")), other = Start(directory);
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        for (int i = 0; i < 3; i++)
            Assert.Equal("fake", Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In()).Name);
        Assert.Equal(1, other.Clients);
        Assert.DoesNotContain(other.Commands, command => command.Name == "quit");
    }

    [Fact]
    public async Task Who_names_it_is_told_what_it_is()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp other = Start(directory);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await Connection.OpenAsync(other.Uri, cancellationToken: Token));
        Assert.Contains("it speaks QMP, but runs no guest", error.Message, StringComparison.Ordinal);
    }

    private static FakeQmp Start(PrivateDirectory directory)
    {
        FakeQmp other = FakeQmp.Start(path: directory.File("other"));
        foreach (string command in (string[])["query-name", "query-uuid", "query-status", "query-balloon"])
            other.On(command, FakeQmp.Error("CommandNotFound", $"The command {command} has not been found"));
        return other;
    }
}
