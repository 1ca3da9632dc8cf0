namespace Ballast.Benchmarks;

/// <summary>The programs that are measured.</summary>
internal static class Tools
{
    /// <summary>The native program: BALLAST_CLI, or what <c>./build</c> made.</summary>
    public static string Ballast()
    {
        string path = Environment.GetEnvironmentVariable("BALLAST_CLI") is { Length: > 0 } named ? named : "artifacts/native/ballast";
        return File.Exists(path) ? Path.GetFullPath(path) : throw new FileNotFoundException($"{path}: ./build makes it, BALLAST_CLI names another.");
    }

    public static string Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists)
        ?? throw new FileNotFoundException($"{program} is not installed.");
}
