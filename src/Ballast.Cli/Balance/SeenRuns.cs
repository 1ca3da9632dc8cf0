using Ballast.Balance.Advice;
using Ballast.Cli.Watch;

namespace Ballast.Cli.Balance;

/// <summary>Which runs of its guests' processes were seen at the last look at a host.</summary>
internal sealed class SeenRuns(TimeProvider time)
{
    private Dictionary<(Guid, int?), ProcessRun> _last = [];
    private long _at;

    /// <summary>Takes a look.</summary>
    /// <returns>Whether each guest that has the id of one of the last look is for certain the same one.</returns>
    public bool Note(SeenHost host)
    {
        long now = time.GetTimestamp();
        Dictionary<(Guid, int?), ProcessRun> runs = [];
        foreach (SeenGuest guest in host.Guests)
            runs[(guest.Domain.Uuid, guest.Domain.Id)] = new(guest.Process.RunTime, now);
        bool areSame = runs.All(run => !_last.TryGetValue(run.Key, out ProcessRun before) || before.IsSameAs(run.Value, _at, time) == true);
        (_last, _at) = (runs, now);
        return areSame;
    }
}
