using System.Globalization;

namespace Ballast.Daemon;

/// <summary>Files that are read whole, and so may not be of any size.</summary>
internal static class WholeFile
{
    /// <summary>Reads a plain file as text in UTF-8, or as its byte order mark says.</summary>
    /// <param name="path">The file; it is no pipe, whose end nobody knows.</param>
    /// <param name="maxBytes">How long it may be.</param>
    /// <exception cref="IOException">It cannot be read, or grows meanwhile.</exception>
    /// <exception cref="InvalidDataException">It is longer.</exception>
    public static string ReadText(string path, int maxBytes)
    {
        using FileStream file = new(path, new FileStreamOptions { BufferSize = 0 });
        if (file.Length > maxBytes)
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{path} is too long: more than {maxBytes / 1024} KiB"));
        byte[] bytes = new byte[file.Length + 1];
        int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (count == bytes.Length)
            throw new IOException($"{path} grows while it is read: try again");
        using StreamReader reader = new(new MemoryStream(bytes, 0, count));
        return reader.ReadToEnd();
    }
}
