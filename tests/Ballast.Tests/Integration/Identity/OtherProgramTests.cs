using Ballast.Guests;
using Ballast.Tests.Integration.Worlds;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU that runs another program under the same process id: that one was never asked for.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class OtherProgramTests : IdentityTest
{
    [Theory]
    [InlineData(Host)]
    [InlineData("directory")]
    public async Task No_signal_reaches_what_the_process_became(string where)
    {
        string directory = MakeDirectory("x");
        using WorldPrograms programs = await WorldPrograms.BuildAsync(Token);
        ChildProcess changing = Own(await FakeQemu.StartAsync(
            WorldPrograms.FakeQemu(programs.Directory), Root.File("log"), ["-name", "changing", "-m", "64", .. Monitor($"{directory}/m.sock")],
            new Dictionary<string, string> { ["FAKE_BECOMES"] = "/bin/sleep" }, Token));
        await using Connection connection = await OpenAsync(where == Host ? where : $"qmp://{directory}", TimeSpan.FromSeconds(2));
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token), domain => domain.Id == changing.Pid);

        await domain.DestroyAsync(cancellationToken: Token);
        Assert.Contains("sleep", await File.ReadAllTextAsync($"/proc/{changing.Pid}/cmdline", Token), StringComparison.Ordinal);
        Assert.False(changing.HasExited);
        Assert.DoesNotContain(await connection.ListDomainsAsync(cancellationToken: Token), domain => domain.Id == changing.Pid);
    }
}
