namespace Ballast.Tests.Integration.Identity;

/// <summary>A clone, or a migration on this host: two monitors in a directory say the same UUID.</summary>
[Trait("needs", "qemu")]
public sealed class SameUuidTests : IdentityTest
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Both_are_listed_and_each_handle_leads_to_its_own(bool isDaemon, bool isOneName)
    {
        string directory = MakeDirectory("x");
        Guid uuid = Guid.NewGuid();
        PlainQemu first = await StartAsync("vm1", $"{directory}/a.sock", uuid);
        PlainQemu second = await StartAsync(isOneName ? "vm1" : "vm2", $"{directory}/b.sock", uuid, memoryMib: 32);
        string uri = $"qmp://{directory}";
        if (isDaemon)
            uri = Own(await BallastDaemon.StartAsync(Token, "--qmp", directory)).Uri;

        await using Connection connection = await OpenAsync(uri);
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        string later = isOneName ? $"vm1@{second.Pid}" : "vm2";
        Assert.Equal([("vm1", first.Pid), (later, second.Pid)], domains.Select(domain => (domain.Name, domain.Id!.Value)).Order());
        Domain one = domains.Single(domain => domain.Id == first.Pid), two = domains.Single(domain => domain.Id == second.Pid);
        Assert.Equal(uuid, one.Uuid);
        Assert.NotEqual(uuid, two.Uuid);
        Assert.Equal(8, two.Uuid.Version);

        foreach (Func<Domain, ValueTask<Domain>> look in (Func<Domain, ValueTask<Domain>>[])
            [ValueTask.FromResult, domain => connection.LookupByNameAsync(domain.Name, Token), domain => connection.LookupByUuidAsync(domain.Uuid, Token), domain => connection.LookupByIdAsync(domain.Id!.Value, Token)])
        {
            await IsReachedAsync(await look(two), second);
            await IsReachedAsync(await look(one), first);
        }
    }
}
