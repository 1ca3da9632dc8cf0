using Ballast.Transports;

namespace Ballast.Server;

/// <summary>
/// Statistics of all domains, for the readers of one user. Each such call asks every QEMU of the host, so however many there
/// are, they share rounds, which begin no more often than <see cref="ReaderPace"/> allows, as with watches. Nobody gets an answer
/// to a question that was put before it asked; who asks when no round was lately waits for nothing, a few times over.
/// </summary>
/// <param name="time">The time.</param>
/// <param name="crowd">The users whose rounds the same QEMUs answer; null: there is no other.</param>
internal sealed class ReaderRounds(TimeProvider time, ReaderCrowd? crowd = null)
{
    private readonly Lock _gate = new();
    private readonly ReaderCrowd _crowd = crowd ?? new();
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
                int users = _crowd.Users(_waiting.Count > 0);
                TimeSpan price = ReaderCrowd.Price(ReaderPace.Between(named ?? _all), users), wait = _pace.Take(price);

                // What was taken while there were more users was dearer.
                TimeSpan longest = ReaderCrowd.Longest * (_waiting.Count + 1);
                wait = wait < longest ? wait : longest;
                round = new Round<T>(kind, price, users);
                if (wait > TimeSpan.Zero)
                    Wait(round);
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

    // Within the gate, as the next.
    private void Wait(Round round)
    {
        if (_waiting.Count == 0)
            _crowd.Enter();
        _waiting.Add(round.Kind, round);
    }

    private bool TryEndWait(Round round)
    {
        if (_waiting.GetValueOrDefault(round.Kind) != round)
            return false;
        _waiting.Remove(round.Kind);
        if (_waiting.Count == 0)
            _crowd.Leave();
        return true;
    }

    // What it would ask, and for whom, is kept no longer than somebody waits for it.
    private void Leave(Round round)
    {
        lock (_gate)
        {
            if (--round.Callers > 0 || !TryEndWait(round))
                return;
            _pace.Correct(round.Price, TimeSpan.Zero);
        }

        round.Abandon();
    }

    private async Task<T> BeginAsync<T>(Round round, TimeSpan wait, Func<Task<T>> ask, Func<T, int>? countAll)
    {
        // From now on, not from when there is a thread.
        Task? turn = wait > TimeSpan.Zero ? Task.Delay(wait, time) : null;

        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (turn is not null)
        {
            await Task.WhenAny(turn, round.Abandoned).ConfigureAwait(false);
            lock (_gate)
            {
                if (!TryEndWait(round))
                    throw new OperationCanceledException();
            }
        }

        T answer = await ask().ConfigureAwait(false);

        // All who share it go on one after the other, perhaps many: not on the thread that all monitors are waited for on.
        await SocketPoller.Leave();
        if (countAll is not null)
        {
            lock (_gate)
                _all = countAll(answer);
            _pace.Correct(round.Price, ReaderCrowd.Price(ReaderPace.Between(_all), round.Users));
        }

        return answer;
    }

    /// <summary>One for all who ask the same before it begins.</summary>
    private class Round(object kind, TimeSpan price, int users)
    {
        private readonly TaskCompletionSource _abandoned = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public object Kind => kind;

        public TimeSpan Price => price;

        /// <summary>Among how many users the time for readers was shared when it was asked for.</summary>
        public int Users => users;

        /// <summary>Who waits for it.</summary>
        public int Callers { get; set; }

        /// <summary>Ends when nobody waits for it any more.</summary>
        public Task Abandoned => _abandoned.Task;

        public void Abandon() => _abandoned.TrySetResult();
    }

    private sealed class Round<T>(object kind, TimeSpan price, int users) : Round(kind, price, users)
    {
        public Task<T> Answer { get; set; } = null!;
    }
}
