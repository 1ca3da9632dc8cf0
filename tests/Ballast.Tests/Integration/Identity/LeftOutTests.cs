using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>What a named directory holds and nobody can list is named, with the reason.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class LeftOutTests : IdentityTest
{
    private static readonly string[] AsNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    private static readonly string[] Apart = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_user_who_cannot_ask_them_is_told_which_and_why(bool isApart)
    {
        OpenToAll(Root.Path);
        string directory = MakeDirectory("x");
        OpenToAll(directory);
        _ = await StartAsync("free", $"{directory}/free.sock", Guid.NewGuid());
        _ = await StartAsync("held", $"{directory}/held.sock", Guid.NewGuid());
        _ = await StartAsync("denied", $"{directory}/denied.sock", Guid.NewGuid());
        OpenToAll($"{directory}/free.sock");
        OpenToAll($"{directory}/held.sock");
        await using OracleMonitor holder = await OracleMonitor.ConnectAsync($"{directory}/held.sock", TimeSpan.FromSeconds(5), Token);

        string[] through = isApart ? Apart : AsNobody;
        CommandResult list = await ChildProcess.RunAsync(through[0], [.. through[1..], Program(), "-c", $"qmp://{directory}", "list", "--name"], cancellationToken: Token);
        Assert.Equal(isApart ? "denied\nfree" : "free", list.Output.Trim());
        Assert.Contains("held.sock' is held by", list.Errors, StringComparison.Ordinal);
        Assert.Equal(!isApart, list.Errors.Contains("denied.sock': Permission denied", StringComparison.Ordinal));
        CommandResult one = await ChildProcess.RunAsync(through[0], [.. through[1..], Program(), "-c", $"qmp://{directory}", "dominfo", "held"], cancellationToken: Token);
        Assert.Equal(1, one.ExitCode);
        Assert.Contains("held.sock' is held by", one.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_monitor_that_only_a_file_names_is_found_though_the_file_cannot_be_read(bool wasChanged)
    {
        string file = Root.File("m.cfg"), socket = $"{MakeDirectory("x")}/q.sock";
        await File.WriteAllTextAsync(
            file, $"[chardev \"m\"]\n backend = \"socket\"\n path = \"{socket}\"\n server = \"on\"\n wait = \"off\"\n[mon]\n chardev = \"m\"\n mode = \"control\"\n", Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Name = "vm", Uuid = Guid.NewGuid(), Arguments = ["-readconfig", file] });
        await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
        if (wasChanged)
            await File.WriteAllTextAsync(file, "# of another guest\n", Token);
        else
            File.Delete(file);
        await using Connection connection = await OpenAsync($"qmp://{Path.GetDirectoryName(socket)}");
        await IsReachedAsync(await connection.LookupByNameAsync("vm", Token), qemu);
    }

    // Where nobody reaches it, whatever the checkout's directory is.
    private string Program()
    {
        string copy = Root.File("ballast");
        if (!File.Exists(copy))
        {
            File.Copy(BallastProgram.Path, copy);
            OpenToAll(copy);
        }

        return copy;
    }
}
