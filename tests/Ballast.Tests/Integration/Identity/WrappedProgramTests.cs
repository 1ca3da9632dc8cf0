using Ballast.Guests;
using Ballast.Tests.Integration.Worlds;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A distribution puts a script in QEMU's place, which runs the program under another file's name.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class WrappedProgramTests : IdentityTest
{
    [Theory]
    [InlineData(".qemu-system-x86_64-wrapped", ".qemu-system-x86_64-wrapped")]
    [InlineData(".qemu-system-x86_64-wrapped", "qemu-system-x86_64")]
    [InlineData(".qemu-system-aarch64-wrapped_", "/run/current-system/sw/bin/qemu-system-aarch64")]
    [InlineData("..qemu-kvm-wrapped-wrapped", "qemu-kvm")]
    [InlineData("qemu-system-x86_64.real", "qemu-system-x86_64")]
    [InlineData("qemu-system-x86_64.distrib", "/usr/bin/kvm")]
    public async Task It_is_listed_and_asked_as_any_other(string file, string calledAs)
    {
        (ChildProcess wrapped, string socket) = await StartAsync(file, calledAs);
        foreach (string uri in (string[])[Host, $"qmp://{socket}", $"qmp://{Path.GetDirectoryName(socket)}"])
        {
            await using Connection connection = await OpenAsync(uri);
            Domain domain = await connection.LookupByNameAsync("wrapped", Token);
            Assert.Equal(wrapped.Pid, domain.Id);
            MemoryStats sample = await SampleAsync(domain);
            Assert.True(sample.ActualKiB == 65536, $"{uri}: {sample.Reason}: {sample.Detail}");
            Assert.NotNull(sample.RssKiB);
        }
    }

    [Theory]
    [InlineData("python3", "qemu-system-x86_64")]
    [InlineData(".qemu-system-x86_64.swp", "qemu-system-x86_64")]
    public async Task A_program_of_another_name_is_refused_and_named(string file, string calledAs)
    {
        (ChildProcess pretender, string socket) = await StartAsync(file, calledAs);
        await using Connection connection = await OpenAsync();
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token), found => found.Id == pretender.Pid);
        MemoryStats sample = await SampleAsync(domain);
        Assert.Equal(MemoryStatsReason.NotTrusted, sample.Reason);
        Assert.Contains($"runs {Root.File(file)}", sample.Detail, StringComparison.Ordinal);
        Assert.Equal(1, UnixSocket.Count(socket));
    }

    private async Task<(ChildProcess Process, string Socket)> StartAsync(string file, string calledAs)
    {
        string socket = $"{MakeDirectory("x")}/q.sock", program = Root.File(file);
        using WorldPrograms programs = await WorldPrograms.BuildAsync(Token);
        File.Copy(WorldPrograms.FakeQemu(programs.Directory), program);
        ChildProcess process = Own(await FakeQemu.StartAsync(
            program, Root.File("log"), ["-name", "wrapped", "-uuid", $"{Guid.NewGuid()}", "-m", "64", .. Monitor(socket)], null, Token, calledAs));
        return (process, socket);
    }
}
