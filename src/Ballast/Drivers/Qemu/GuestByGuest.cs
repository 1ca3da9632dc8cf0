namespace Ballast.Drivers.Qemu;

/// <summary>Asks many guests at once.</summary>
internal static class GuestByGuest
{
    /// <summary>A guest that was named several times is asked once, and each time has the same answer.</summary>
    /// <param name="guests">Whom to ask.</param>
    /// <param name="ask">Asks one. What it throws on purpose, an error of libvirt's, an end that was asked for or the end of the connection, ends the whole.</param>
    /// <param name="otherwise">The answer for a guest where asking threw anything else: that is no trouble of the others.</param>
    public static async Task<T[]> AskAsync<TGuest, T>(
        IReadOnlyList<TGuest> guests, Func<TGuest, Task<T>> ask, Func<TGuest, Exception, Task<T>> otherwise)
        where TGuest : class
    {
        Dictionary<TGuest, Task<T>> asked = new(guests.Count);
        Task<T>[] answers = [.. guests.Select(guest => asked.TryGetValue(guest, out Task<T>? answer) ? answer : asked[guest] = ask(guest))];
        try
        {
            return await Task.WhenAll(answers).ConfigureAwait(false);
        }
        catch (Exception) when (Array.Exists(answers, static answer => Failure(answer) is not null))
        {
            foreach ((TGuest guest, Task<T> answer) in asked.ToArray())
            {
                if (Failure(answer) is { } failure)
                    asked[guest] = otherwise(guest, failure);
            }

            return await Task.WhenAll(guests.Select(guest => asked[guest])).ConfigureAwait(false);
        }
    }

    private static Exception? Failure(Task answer) =>
        answer.Exception?.InnerException is { } failure and not (LibvirtException or OperationCanceledException or ObjectDisposedException or OutOfMemoryException)
            ? failure
            : null;
}
