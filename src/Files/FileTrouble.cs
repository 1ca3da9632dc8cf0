namespace Ballast.Files;

/// <summary>Why a file cannot be read or written, in the same words everywhere; the runtime's own name its full path and vary.</summary>
internal static class FileTrouble
{
    /// <param name="path">As it was named.</param>
    /// <param name="error">What the runtime says.</param>
    /// <returns>A part of a sentence that names no path.</returns>
    public static string Why(string path, Exception error) => error switch
    {
        FileNotFoundException => "there is no such file",
        DirectoryNotFoundException => "there is no such directory",
        _ when Directory.Exists(path) => "it is a directory",
        UnauthorizedAccessException => "permission denied",
        _ => error.Message,
    };
}
