namespace Ballast.Cli.Log;

/// <summary>virsh's levels of what is said, and their names in a log.</summary>
internal static class LogLevels
{
    public const int Debug = 0, Info = 1, Notice = 2, Warning = 3, Error = 4;

    public static string Name(int level) => level switch
    {
        Debug => "DEBUG",
        Info => "INFO",
        Notice => "NOTICE",
        Warning => "WARNING",
        _ => "ERROR",
    };
}
