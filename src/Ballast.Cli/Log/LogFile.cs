using System.Globalization;
using System.Text;
using Ballast.Cli.Output;

namespace Ballast.Cli.Log;

/// <summary>The file of <c>--log</c>: a line for each thing that was done, added behind what is there already.</summary>
internal sealed class LogFile : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _file;

    private LogFile(FileStream file) => _file = file;

    /// <summary>Null where it cannot be written to.</summary>
    public static LogFile? TryOpen(string path)
    {
        try
        {
            return new LogFile(new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Append,
                Access = FileAccess.Write,
                Share = FileShare.ReadWrite,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    public void Write(DateTimeOffset time, string program, int level, string text)
    {
        byte[] line = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"[{time:yyyy.MM.dd HH:mm:ss.fff} {program} {Environment.ProcessId}] {LogLevels.Name(level)} {SafeText.Escape(text)}\n"));
        lock (_gate)
        {
            try
            {
                // In one piece, so that the lines of several programs do not mix.
                _file.Write(line);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // A full disk stops nothing.
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _file.Dispose();
    }
}
