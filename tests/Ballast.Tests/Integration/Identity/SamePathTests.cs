namespace Ballast.Tests.Integration.Identity;

/// <summary>Two QEMUs were given one path: the later one took the socket over, and only it is behind it.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class SamePathTests : IdentityTest
{
    [Fact]
    public async Task Who_lost_its_socket_is_listed_with_whose_it_is_and_the_other_one_is_asked()
    {
        (PlainQemu first, PlainQemu second, _) = await StartBothAsync();
        await using Connection connection = await OpenAsync();
        Domain lost = await DomainOfAsync(connection, first);
        Assert.Equal("first", lost.Name);
        MemoryStats sample = await SampleAsync(lost);
        Assert.Equal(MemoryStatsReason.PermissionDenied, sample.Reason);
        Assert.Contains($"its socket belongs to another process, qemu-system-x86 (process {second.Pid})", sample.Detail, StringComparison.Ordinal);
        Assert.Null(sample.ActualKiB);
        Assert.NotNull(sample.RssKiB);
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(async () => await lost.SetMemoryAsync(40000, cancellationToken: Token));
        Assert.Contains("belongs to another process", refused.Message, StringComparison.Ordinal);

        Domain owner = await DomainOfAsync(connection, second);
        Assert.Equal("second", owner.Name);
        await IsReachedAsync(owner, second);
        Assert.Equal(first.MemoryKib, await first.TargetKibAsync(Token));
    }

    [Fact]
    public async Task In_their_directory_only_the_owner_of_the_socket_is_found()
    {
        (_, PlainQemu second, string directory) = await StartBothAsync();
        await using Connection connection = await OpenAsync($"qmp://{directory}");
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        Assert.Equal("second", domain.Name);
        await IsReachedAsync(domain, second);
    }

    [Theory]
    [InlineData("first", null)]
    [InlineData("first", "first")]
    [InlineData("first", "second")]
    [InlineData("second", null)]
    [InlineData("second", "first")]
    [InlineData("second", "second")]
    public async Task Nobody_dies_but_the_one_that_was_named(string victim, string? stopped)
    {
        (PlainQemu first, PlainQemu second, _) = await StartBothAsync();
        (PlainQemu named, PlainQemu other) = victim == "first" ? (first, second) : (second, first);
        await using (Connection connection = await OpenAsync(timeout: TimeSpan.FromSeconds(1)))
        {
            Domain domain = await connection.LookupByNameAsync(victim, Token);
            if (stopped is not null)
                await (stopped == "first" ? first : second).StopAsync(Token);
            if (named == second)
            {
                // Its own socket proves who it is, even where it does not answer any more.
                await domain.DestroyAsync(cancellationToken: Token);
                await named.WaitForDeathAsync(Token);
            }
            else
            {
                LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.DestroyAsync(cancellationToken: Token));
                Assert.Contains("belongs to another process", refused.Message, StringComparison.Ordinal);
            }
        }

        // A signal that waits for a stopped process would take it when it goes on.
        first.Continue();
        second.Continue();
        await Task.Delay(TimeSpan.FromMilliseconds(200), Token);
        Assert.True(other.IsAlive);
        Assert.Equal(named == first, named.IsAlive);
    }

    private async Task<(PlainQemu First, PlainQemu Second, string Directory)> StartBothAsync()
    {
        string directory = MakeDirectory("x");
        PlainQemu first = await StartAsync("first", $"{directory}/a.sock", Guid.NewGuid());
        PlainQemu second = await StartAsync("second", $"{directory}/a.sock", Guid.NewGuid(), memoryMib: 32);
        return (first, second, directory);
    }
}
