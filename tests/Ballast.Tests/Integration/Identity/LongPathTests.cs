namespace Ballast.Tests.Integration.Identity;

/// <summary>A socket's address has room for 107 bytes; what lies deeper is bound from its directory.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class LongPathTests : IdentityTest
{
    [Theory]
    [InlineData(130, 6)]
    [InlineData(10, 105)]
    [InlineData(240, 105)]
    [InlineData(2000, 100)]
    public async Task However_long_a_path_is_its_monitor_is_named_listed_and_found(int directoryLength, int nameLength)
    {
        const int longestPart = 200;
        string directory = Root.Path;
        for (int left = directoryLength; left > 0; left -= longestPart)
            directory = Directory.CreateDirectory(Path.Combine(directory, new string('d', Math.Min(left, longestPart)))).FullName;
        string socket = new('s', nameLength);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "deep",
            Uuid = Guid.NewGuid(),
            Arguments = Monitor(socket),
            Through = ["env", "-C", directory],
        });
        foreach (string uri in (string[])[$"qmp://{directory}/{socket}", $"qmp://{directory}", Host])
        {
            await using Connection connection = await OpenAsync(uri);
            await IsReachedAsync(await connection.LookupByNameAsync("deep", Token), qemu);
        }

        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", $"{directory}/{socket}");
        await using Connection served = await OpenAsync(daemon.Uri);
        await IsReachedAsync(await served.LookupByNameAsync("deep", Token), qemu);
    }
}
