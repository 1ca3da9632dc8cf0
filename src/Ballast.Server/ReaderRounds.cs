using Ballast.Rpc.Messages;

namespace Ballast.Server;

/// <summary>
/// Statistics of all domains, for the readers of one user. Each such call asks every QEMU of the host, so however many there
/// are, they share rounds, of which one begins in a tenth of a second, as with watches. Nobody gets an answer to a question
/// that was put before it asked; who asks when no round was lately waits for nothing.
/// </summary>
internal sealed class ReaderRounds(TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();

    // Those that did not begin yet. They stand in one line, whatever they ask for: a user has so many rounds, not so many of each kind.
    private readonly Dictionary<(Connection Connection, DomainStatsGroups Groups, DomainStatsFlags Flags), Task<AllStatsReply>> _waiting = [];
    private readonly long _start = time.GetTimestamp();
    private TimeSpan _next;

    public Task<AllStatsReply> JoinAsync(
        (Connection Connection, DomainStatsGroups Groups, DomainStatsFlags Flags) kind, Func<Task<AllStatsReply>> ask, CancellationToken cancellationToken)
    {
        Task<AllStatsReply>? round;
        lock (_gate)
        {
            if (!_waiting.TryGetValue(kind, out round))
            {
                TimeSpan now = time.GetElapsedTime(_start);
                TimeSpan wait = _next > now ? _next - now : TimeSpan.Zero;
                _next = now + wait + Pause;
                round = BeginAsync(kind, wait, ask);
                if (wait > TimeSpan.Zero)
                    _waiting.Add(kind, round);
            }
        }

        return round.WaitAsync(cancellationToken);
    }

    private async Task<AllStatsReply> BeginAsync(
        (Connection Connection, DomainStatsGroups Groups, DomainStatsFlags Flags) kind, TimeSpan wait, Func<Task<AllStatsReply>> ask)
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time).ConfigureAwait(false);
            lock (_gate)
                _waiting.Remove(kind);
        }

        return await ask().ConfigureAwait(false);
    }
}
