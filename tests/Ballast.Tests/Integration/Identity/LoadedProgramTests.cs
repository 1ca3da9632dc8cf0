using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU is what its process runs, whatever started it, whatever it is called, and whatever became of its file.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class LoadedProgramTests : IdentityTest
{
    private const string Program = "/usr/bin/qemu-system-x86_64";

    // Elsewhere, it does not find its modules by itself.
    private const string Modules = "export QEMU_MODULE_DIR=$(dirname \"$(find /usr/lib -name accel-tcg-x86_64.so | head -n 1)\"); ";

    private const string Loader = "/lib64/ld-linux-x86-64.so.2";

    // A copy that has no file.
    private const string FromMemory =
        "import os,sys; program=os.memfd_create('qemu-system-x86_64'); os.write(program, open(sys.argv[1],'rb').read()); os.execve(program, ['vm', *sys.argv[2:]], os.environ)";

    [Theory]
    [InlineData("exec taskset 1 env X=y nice " + Program)]
    [InlineData("exec -a vm " + Program)]
    [InlineData("exec " + Loader + " " + Program)]
    [InlineData("exec -a vm " + Loader + " --argv0 vm " + Program)]
    [InlineData("exec " + Loader + " --inhibit-cache --library-path /usr/lib/x86_64-linux-gnu:" + LongPath + " --argv0 kvm " + Program)]
    [InlineData("exec /usr/bin/python3 -c \"" + FromMemory + "\" " + Program)]
    [InlineData("cp " + Program + " $0; (sleep 1.5; rm $0) & exec $0")]
    public async Task It_is_known_as_the_QEMU_that_it_is(string how)
    {
        string socket = $"{MakeDirectory("x")}/q.sock", copy = Root.File("qemu-system-x86_64");
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "loaded",
            Uuid = Guid.NewGuid(),
            Through = ["bash", "-c", Modules + how.Replace("$0", copy, StringComparison.Ordinal) + " \"$@\""],
            Arguments = [.. Monitor(socket), "-L", "/usr/share/qemu"],
        });
        if (how.Contains("rm $0", StringComparison.Ordinal))
            await Deadline.UntilAsync(Deadline.Default, "end of its file", _ => Task.FromResult(!File.Exists(copy)), Token);
        foreach (string uri in (string[])[Host, $"qmp://{Path.GetDirectoryName(socket)}", $"qmp://{socket}"])
        {
            await using Connection connection = await OpenAsync(uri);
            Domain domain = await connection.LookupByNameAsync("loaded", Token);
            await IsReachedAsync(domain, qemu);
            Assert.Contains("qemu-system-x86_64</emulator>", await domain.GetXmlAsync(cancellationToken: Token), StringComparison.Ordinal);
        }
    }

    // As Nix and the bundles of programs have them: the program stands far behind.
    private const string LongPath = LongDirectory + LongDirectory + LongDirectory + LongDirectory + LongDirectory + LongDirectory;
    private const string LongDirectory = "/nix/store/0123456789abcdefghijklmnopqrstuv-a-library-that-has-a-name-of-its-own-1.2.3.4.5/lib:/opt/x:";
}
