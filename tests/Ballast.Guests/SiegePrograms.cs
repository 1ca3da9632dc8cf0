using System.Runtime.CompilerServices;

namespace Ballast.Guests;

/// <summary>The C programs of tests/siege, built once: who attacks, and who is attacked in the daemon's place.</summary>
public sealed class SiegePrograms : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    private SiegePrograms()
    {
    }

    public string Monitor => _directory.File("monitor");

    public string Reader => _directory.File("reader");

    public string Discard => _directory.File("discard");

    /// <summary>Needs libvirt's C library.</summary>
    public string Caller => _directory.File("caller");

    /// <param name="withCaller">Whether <see cref="Caller"/> is built too.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<SiegePrograms> BuildAsync(bool withCaller, CancellationToken cancellationToken = default)
    {
        SiegePrograms programs = new();
        await BuildAsync(programs.Monitor, [], cancellationToken);
        await BuildAsync(programs.Reader, [], cancellationToken);
        if (!withCaller)
            return programs;
        await BuildAsync(programs.Discard, [], cancellationToken);
        await BuildAsync(programs.Caller, ["-lvirt"], cancellationToken);
        return programs;
    }

    public void Dispose() => _directory.Dispose();

    private static async Task BuildAsync(string program, string[] libraries, CancellationToken cancellationToken)
    {
        string source = Path.Combine(Sources(), $"{Path.GetFileName(program)}.c");
        CommandResult result = await ChildProcess.RunAsync(
            "gcc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-o", program, source, .. libraries], cancellationToken: cancellationToken);
        if (result.ExitCode != 0)
            throw new InvalidOperationException($"gcc {source}: {result.Errors}");
    }

    private static string Sources([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../siege"));
}
