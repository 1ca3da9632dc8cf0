using System.Globalization;
using System.Text;
using Ballast.Cli.Output;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Cli.Log;

/// <summary>The file of <c>--log</c>: a line for each thing that was done, added behind what is there already.</summary>
internal sealed class LogFile : IDisposable
{
    // O_WRONLY, O_CREAT, O_APPEND, O_CLOEXEC. The runtime's own appending begins at the end as it was, over what others add.
    private const int Appending = 0x1 | 0x40 | 0x400 | 0x80000, OwnersAlone = 0x180;

    private readonly Lock _gate = new();
    private readonly SafeFileHandle _file;

    private LogFile(SafeFileHandle file) => _file = file;

    /// <summary>Null where it cannot be written to.</summary>
    public static LogFile? TryOpen(string path)
    {
        SafeFileHandle file = new(Libc.Open(path, Appending, OwnersAlone), ownsHandle: true);
        if (!file.IsInvalid)
            return new LogFile(file);
        file.Dispose();
        return null;
    }

    /// <returns>False where it could not be written to, which stops nothing.</returns>
    public bool Write(DateTimeOffset time, string program, int level, string text)
    {
        byte[] line = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"[{time:yyyy.MM.dd HH:mm:ss.fff} {program} {Environment.ProcessId}] {LogLevels.Name(level)} {SafeText.Escape(text)}\n"));
        lock (_gate)
        {
            try
            {
                // In one piece, so that the lines of several programs do not mix.
                // Where it begins is the system's to say.
                RandomAccess.Write(_file, line, fileOffset: 0);
                return true;
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _file.Dispose();
    }
}
