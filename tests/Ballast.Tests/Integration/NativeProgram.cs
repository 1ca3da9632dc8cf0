using System.Runtime.CompilerServices;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A C program of tests/native, or one that a test wrote, built to run on our library or on libvirt's.</summary>
internal sealed class NativeProgram : IDisposable
{
    private readonly PrivateDirectory _directory;
    private readonly bool _isForLibvirt;

    private NativeProgram(PrivateDirectory directory, bool isForLibvirt)
    {
        _directory = directory;
        _isForLibvirt = isForLibvirt;
    }

    /// <summary>Where ./build put libballast.so.</summary>
    public static string Libraries =>
        Environment.GetEnvironmentVariable("BALLAST_NATIVE") is { Length: > 0 } path
            ? path
            : throw new InvalidOperationException("BALLAST_NATIVE does not name the directory of libballast.so: run ./build and set it, or run ./test.");

    public static string Abi => Path.Combine(Libraries, "abi");

    public static string Root { get; } = FindRoot();

    public static string Sources { get; } = Path.Combine(Root, "tests/native");

    public string File => _directory.File("program");

    /// <summary>Builds tests/native/NAME.c with our headers alone, or with libvirt's alone.</summary>
    public static Task<NativeProgram> BuildAsync(string name, bool forLibvirt, CancellationToken cancellationToken) =>
        BuildFileAsync(Path.Combine(Sources, $"{name}.c"), forLibvirt, cancellationToken);

    public static async Task<NativeProgram> BuildTextAsync(string text, bool forLibvirt, CancellationToken cancellationToken)
    {
        using PrivateDirectory directory = new();
        string file = directory.File("written.c");
        await System.IO.File.WriteAllTextAsync(file, text, cancellationToken);
        return await BuildFileAsync(file, forLibvirt, cancellationToken);
    }

    /// <summary>Runs it on our library: as itself, or in libvirt's place where the program was built for that.</summary>
    public Task<CommandResult> RunAsync(CancellationToken cancellationToken, params IEnumerable<string> arguments) =>
        ChildProcess.RunAsync(
            File, arguments,
            new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = _isForLibvirt ? Abi : Libraries },
            TimeSpan.FromSeconds(180), cancellationToken);

    /// <summary>Runs it on the system's libvirt.</summary>
    public Task<CommandResult> RunOnLibvirtAsync(CancellationToken cancellationToken, params IEnumerable<string> arguments) =>
        ChildProcess.RunAsync(File, arguments, deadline: TimeSpan.FromSeconds(180), cancellationToken: cancellationToken);

    /// <summary>Runs it under valgrind: an access to what is not its memory, or memory that nobody can free any more, makes it fail with status 99.</summary>
    public Task<CommandResult> RunCheckedAsync(CancellationToken cancellationToken, params IEnumerable<string> arguments) =>
        ChildProcess.RunAsync(
            "valgrind",
            ["-q", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--error-exitcode=99", File, .. arguments],
            new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = _isForLibvirt ? Abi : Libraries },
            TimeSpan.FromSeconds(300), cancellationToken);

    public void Dispose() => _directory.Dispose();

    private static async Task<NativeProgram> BuildFileAsync(string file, bool forLibvirt, CancellationToken cancellationToken)
    {
        PrivateDirectory directory = new();
        string output = directory.File("program");
        string[] which = forLibvirt
            ? ["-DVIR_ENUM_SENTINELS", file, "-lvirt"]
            : ["-DBALLAST_ONLY", "-I", Path.Combine(Libraries, "include"), file, Path.Combine(Libraries, "libballast.so")];
        CommandResult result = await ChildProcess.RunAsync(
            "gcc",
            ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-o", output, "-I", Sources, .. which, "-lpthread"],
            cancellationToken: cancellationToken);
        if (result.ExitCode == 0)
            return new NativeProgram(directory, forLibvirt);
        directory.Dispose();
        throw new InvalidOperationException($"gcc {file}: {result.Errors}");
    }

    private static string FindRoot([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));
}
