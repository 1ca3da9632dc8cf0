using Ballast.Server;

namespace Ballast.Daemon;

/// <summary>
/// Looks which guests there are, and whether one left a question unanswered, for the log. It asks no guest itself, and so
/// keeps no monitor from its owner.
/// </summary>
internal sealed class GuestChangeReporter : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly Connection _connection;
    private readonly ChangeLog _log;
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<(Guid Uuid, int? Id), (Domain Domain, bool IsSilent)> _known = [];
    private readonly Task _reporting;
    private string? _trouble;

    public GuestChangeReporter(Connection connection, ChangeLog log)
    {
        _connection = connection;
        _log = log;
        _reporting = Task.Run(ReportAsync);
    }

    /// <summary>How many there were at the last look.</summary>
    public int Guests { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task ReportAsync()
    {
        using PeriodicTimer timer = new(Interval);
        do
        {
            try
            {
                Compare(await _connection.ListDomainsAsync(cancellationToken: _end.Token).ConfigureAwait(false));
            }
            catch (Exception e) when (!_end.IsCancellationRequested)
            {
                // What cannot be looked at now may be at the next look; who calls something is told.
                if (e is not LibvirtException)
                    Background.Note(e);
            }

            NoteTrouble(LibvirtServer.LookTrouble(_connection));
        }
        while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false));
    }

    private void NoteTrouble(string? trouble)
    {
        if ((trouble is null) != (_trouble is null))
            _log.Look(trouble);
        _trouble = trouble;
    }

    private void Compare(IReadOnlyList<Domain> found)
    {
        Dictionary<(Guid, int?), Domain> there = [];
        foreach (Domain domain in found)
            there[(domain.Uuid, domain.Id)] = domain;
        foreach (((Guid, int?) gone, (Domain domain, _)) in _known.Where(known => !there.ContainsKey(known.Key)).ToArray())
        {
            _known.Remove(gone);
            _log.Guest(domain, "is gone");
        }

        foreach (((Guid, int?) key, Domain domain) in there)
        {
            bool isSilent = LibvirtServer.IsSilent(domain);
            if (!_known.TryGetValue(key, out (Domain Domain, bool IsSilent) before))
                _log.Guest(domain, "is found");
            if (isSilent && !before.IsSilent)
                _log.Guest(domain, "is silent: its QEMU does not answer", isTrouble: true);
            else if (!isSilent && before.IsSilent)
                _log.Guest(domain, "is back: its QEMU answers");
            _known[key] = (domain, isSilent);
        }

        Guests = _known.Count;
    }
}
