namespace Ballast.Native;

/// <summary>
/// How many threads serve this library's sockets, and whether they hand over to others what has come. In a program of
/// somebody else's one is enough, and what the library does with an answer is less work than a change of threads.
/// </summary>
internal static class SocketThreads
{
    // Read by the runtime when it opens its first socket; the program's own environment stays as it is.
    private static readonly (string Name, string Value)[] Settings =
    [
        ("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1"),
        ("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1"),
    ];

    /// <summary>To be called before the first connection is opened; what somebody has set already stays.</summary>
    public static void Choose()
    {
        foreach ((string name, string value) in Settings)
        {
            if (Environment.GetEnvironmentVariable(name) is null)
                Environment.SetEnvironmentVariable(name, value);
        }
    }
}
