namespace Ballast.Guests;

/// <summary>Bounds every wait of the guests, and says what was waited for when time is up.</summary>
public static class Deadline
{
    /// <summary>Generous, because test machines are small and QEMU is emulated: reached only when something hangs.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromSeconds(30);

    public static async Task<T> WithinAsync<T>(
        TimeSpan limit, string what, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        source.CancelAfter(limit);
        try
        {
            return await work(source.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && source.IsCancellationRequested)
        {
            throw new TimeoutException($"No {what} within {limit.TotalSeconds:0.###} s.");
        }
    }

    public static Task WithinAsync(
        TimeSpan limit, string what, Func<CancellationToken, Task> work, CancellationToken cancellationToken) =>
        WithinAsync(limit, what, async token =>
        {
            await work(token);
            return true;
        }, cancellationToken);

    /// <summary>Asks again and again, for what announces itself in no other way.</summary>
    public static Task UntilAsync(
        TimeSpan limit, string what, Func<CancellationToken, Task<bool>> reached, CancellationToken cancellationToken,
        TimeSpan? interval = null) =>
        WithinAsync(limit, what, async token =>
        {
            while (!await reached(token))
                await Task.Delay(interval ?? TimeSpan.FromMilliseconds(20), token);
        }, cancellationToken);
}
