namespace Ballast;

/// <summary>
/// For whom a call is made, where it is a server's client that may only read. Who sets nothing may change something, and costs
/// nothing: only a reader's calls have a context of their own.
/// </summary>
internal static class CallOrigin
{
    private static readonly AsyncLocal<object?> Current = new();

    /// <summary>What the reader's user has in common, by which users take turns; null: it is no reader's. Holds for what its setter begins.</summary>
    public static object? Reader
    {
        get => Current.Value;
        set => Current.Value = value;
    }
}
