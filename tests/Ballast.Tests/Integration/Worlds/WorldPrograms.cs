using Ballast.Guests;

namespace Ballast.Tests.Integration.Worlds;

/// <summary>The two C programs of tests/worlds, built once for all worlds.</summary>
internal sealed class WorldPrograms : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    private WorldPrograms()
    {
    }

    public string Directory => _directory.Path;

    public static string FakeQemu(string directory) => Path.Combine(directory, "qemu-system-x86_64");

    public static string Nursery(string directory) => Path.Combine(directory, "nursery");

    public static async Task<WorldPrograms> BuildAsync(CancellationToken cancellationToken)
    {
        WorldPrograms programs = new();
        string sources = Path.Combine(NativeProgram.Root, "tests/worlds");
        foreach ((string source, string program) in ((string, string)[])
            [("fake-qemu.c", FakeQemu(programs.Directory)), ("nursery.c", Nursery(programs.Directory))])
        {
            // Static, because it starts faster, and in a root that has no libraries.
            CommandResult result = await ChildProcess.RunAsync(
                "gcc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-static", "-o", program, Path.Combine(sources, source)],
                cancellationToken: cancellationToken);
            Assert.True(result.ExitCode == 0, result.Errors);
        }

        return programs;
    }

    public void Dispose() => _directory.Dispose();
}
