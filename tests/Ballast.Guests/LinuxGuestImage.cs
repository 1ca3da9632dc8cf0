using System.Reflection;

namespace Ballast.Guests;

/// <summary>The real Linux guest's files.</summary>
public sealed record LinuxGuestImage(string Kernel, string InitialRamDisk)
{
    private const string DirectoryVariable = "BALLAST_GUEST_IMAGE";

    private static readonly TimeSpan BuildDeadline = TimeSpan.FromMinutes(10);
    private static readonly SemaphoreSlim Building = new(1);
    private static LinuxGuestImage? _built;

    /// <summary>The image that the environment names, or the repository's own, built first if it is not up to date.</summary>
    public static async Task<LinuxGuestImage> GetAsync(CancellationToken cancellationToken = default)
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } named)
            return In(named);
        await Building.WaitAsync(cancellationToken);
        try
        {
            return _built ??= await BuildAsync(cancellationToken);
        }
        finally
        {
            Building.Release();
        }
    }

    private static LinuxGuestImage In(string directory)
    {
        var image = new LinuxGuestImage(Path.Combine(directory, "vmlinuz"), Path.Combine(directory, "initrd.gz"));
        return File.Exists(image.Kernel) && File.Exists(image.InitialRamDisk)
            ? image
            : throw new FileNotFoundException($"{directory} holds no vmlinuz and initrd.gz; tests/guest/build-linux-guest makes them.");
    }

    private static async Task<LinuxGuestImage> BuildAsync(CancellationToken cancellationToken)
    {
        var root = RepositoryRoot();
        var directory = Path.Combine(root, "artifacts", "guest");
        await using var build = await ChildProcess.StartAsync(
            Path.Combine(root, "tests", "guest", "build-linux-guest"), [directory]);
        await build.WaitForExitAsync(BuildDeadline, cancellationToken);
        return build.ExitCode == 0 ? In(directory) : throw new InvalidOperationException(build.Errors);
    }

    private static string RepositoryRoot() =>
        typeof(LinuxGuestImage).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(data => data.Key == nameof(RepositoryRoot)).Value!;
}
