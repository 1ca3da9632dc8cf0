namespace Ballast.Server;

/// <summary>
/// Statistics of all domains, for the readers of one user. Each such call asks every QEMU of the host, so however many there
/// are, they share rounds, which begin no more often than <see cref="ReaderPace"/> allows, as with watches. Nobody gets an answer
/// to a question that was put before it asked; who asks when no round was lately waits for nothing, a few times over.
/// </summary>
internal sealed class ReaderRounds(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly ReaderPace _pace = new(time);

    // Those that did not begin yet. They stand in one line, whatever they ask for: a user has so many rounds, not so many of each kind.
    private readonly Dictionary<object, Task> _waiting = [];

    /// <summary>Whether rounds were taken before their time, or stand in line.</summary>
    public bool AreAhead => _pace.IsAhead;

    /// <param name="kind">What is asked for; equal ones are the same question, with the same type of answer.</param>
    /// <param name="ask">Asks.</param>
    /// <param name="count">Of how many domains an answer is.</param>
    /// <param name="cancellationToken">Gives up; the round goes on for the others.</param>
    public Task<T> JoinAsync<T>(object kind, Func<Task<T>> ask, Func<T, int> count, CancellationToken cancellationToken)
    {
        Task<T> round;
        lock (_gate)
        {
            if (_waiting.TryGetValue(kind, out Task? waiting))
            {
                round = (Task<T>)waiting;
            }
            else
            {
                TimeSpan wait = _pace.Take();
                round = BeginAsync(kind, wait, ask, count);
                if (wait > TimeSpan.Zero)
                    _waiting.Add(kind, round);
            }
        }

        return round.WaitAsync(cancellationToken);
    }

    private async Task<T> BeginAsync<T>(object kind, TimeSpan wait, Func<Task<T>> ask, Func<T, int> count)
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time).ConfigureAwait(false);
            lock (_gate)
                _waiting.Remove(kind);
        }

        T answer = await ask().ConfigureAwait(false);
        _pace.Has(count(answer));
        return answer;
    }
}
