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
    private readonly Dictionary<object, Round> _waiting = [];

    // Of how many domains an answer about all was; before the first, of so many as there may be at the slowest pace.
    private int _all = ReaderPace.Many;

    /// <summary>Whether rounds were taken before their time, or stand in line.</summary>
    public bool AreAhead => _pace.IsAhead;

    /// <param name="kind">What is asked for; equal ones are the same question, with the same type of answer.</param>
    /// <param name="ask">Asks.</param>
    /// <param name="count">Of how many domains an answer is.</param>
    /// <param name="cancellationToken">Gives up; the round goes on for the others, and does not begin where there are none.</param>
    /// <param name="named">How many domains are asked; null: all.</param>
    public async Task<T> JoinAsync<T>(object kind, Func<Task<T>> ask, Func<T, int> count, CancellationToken cancellationToken, int? named = null)
    {
        Round<T> round;
        lock (_gate)
        {
            if (_waiting.TryGetValue(kind, out Round? waiting))
            {
                round = (Round<T>)waiting;
            }
            else
            {
                TimeSpan price = ReaderPace.Between(named ?? _all), wait = _pace.Take(price);
                round = new Round<T>(kind, price);
                if (wait > TimeSpan.Zero)
                    _waiting.Add(kind, round);
                round.Answer = BeginAsync(round, wait, ask, named is null ? count : null);
            }

            round.Callers++;
        }

        try
        {
            return await round.Answer.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave(round);
        }
    }

    // What it would ask, and for whom, is kept no longer than somebody waits for it.
    private void Leave(Round round)
    {
        lock (_gate)
        {
            if (--round.Callers > 0 || _waiting.GetValueOrDefault(round.Kind) != round)
                return;
            _waiting.Remove(round.Kind);
            _pace.Correct(round.Price, TimeSpan.Zero);
        }

        round.Abandon();
    }

    private async Task<T> BeginAsync<T>(Round round, TimeSpan wait, Func<Task<T>> ask, Func<T, int>? countAll)
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (wait > TimeSpan.Zero)
        {
            await Task.WhenAny(Task.Delay(wait, time), round.Abandoned).ConfigureAwait(false);
            lock (_gate)
            {
                if (_waiting.GetValueOrDefault(round.Kind) != round)
                    throw new OperationCanceledException();
                _waiting.Remove(round.Kind);
            }
        }

        T answer = await ask().ConfigureAwait(false);
        if (countAll is not null)
        {
            lock (_gate)
                _all = countAll(answer);
            _pace.Correct(round.Price, ReaderPace.Between(_all));
        }

        return answer;
    }

    /// <summary>One for all who ask the same before it begins.</summary>
    private class Round(object kind, TimeSpan price)
    {
        private readonly TaskCompletionSource _abandoned = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public object Kind => kind;

        public TimeSpan Price => price;

        /// <summary>Who waits for it.</summary>
        public int Callers { get; set; }

        /// <summary>Ends when nobody waits for it any more.</summary>
        public Task Abandoned => _abandoned.Task;

        public void Abandon() => _abandoned.TrySetResult();
    }

    private sealed class Round<T>(object kind, TimeSpan price) : Round(kind, price)
    {
        public Task<T> Answer { get; set; } = null!;
    }
}
