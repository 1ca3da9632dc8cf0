using Ballast.Guests;
using Ballast.Tests.Integration.Worlds;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU that was broken into is older than its victim, and its monitor tells the victim's name and UUID.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class LiarTests : IdentityTest
{
    [Theory]
    [InlineData(Host, false)]
    [InlineData(Host, true)]
    [InlineData("directory", false)]
    [InlineData("directory", true)]
    public async Task What_only_a_monitor_tells_takes_nothing_that_anothers_command_line_bears(string where, bool hasOwnName)
    {
        string directory = MakeDirectory("x"), log = Root.File("log");
        Guid uuid = Guid.NewGuid();
        using WorldPrograms programs = await WorldPrograms.BuildAsync(Token);
        ChildProcess liar = Own(await FakeQemu.StartAsync(
            WorldPrograms.FakeQemu(programs.Directory), log,
            ["-m", "1024", .. hasOwnName ? (string[])["-name", "evil"] : [], .. Monitor($"{directory}/evil.sock")],
            new Dictionary<string, string> { ["FAKE_SAY_NAME"] = "victim", ["FAKE_SAY_UUID"] = $"{uuid}" }, Token));
        PlainQemu victim = await StartAsync("victim", $"{directory}/v.sock", uuid, memoryMib: 32);

        await using Connection connection = await OpenAsync(where == Host ? where : $"qmp://{directory}");
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal(("victim", uuid), domains.Where(domain => domain.Id == victim.Pid).Select(domain => (domain.Name, domain.Uuid)).Single());
        Domain evil = domains.Single(domain => domain.Id == liar.Pid);
        Assert.Equal(hasOwnName ? "evil" : $"victim@{liar.Pid}", evil.Name);
        Assert.NotEqual(uuid, evil.Uuid);

        await IsReachedAsync(await connection.LookupByNameAsync("victim", Token), victim);
        await IsReachedAsync(await connection.LookupByUuidAsync(uuid, Token), victim);
        await (await connection.LookupByUuidAsync(uuid, Token)).DestroyAsync(cancellationToken: Token);
        await victim.WaitForDeathAsync(Token);
        Assert.False(liar.HasExited);
        string[] told = await File.ReadAllLinesAsync(log, Token);
        Assert.DoesNotContain(told, line => line is "quit" or "SIGTERM" || line.StartsWith("balloon", StringComparison.Ordinal));
    }
}
