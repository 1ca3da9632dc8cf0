using System.Collections.Concurrent;
using System.Globalization;
using Ballast.Balance.Advice;
using Ballast.Cli.Output;

namespace Ballast.Cli.Balance;

/// <summary>Look after look at a host, and what is written about each.</summary>
internal sealed class AdviceRun(
    CommandInvocation invocation, string policy, Func<Advisor> makeAdvisor, string? controlGroup, IReadOnlySet<Guid> shown, bool isJson, bool lasts)
{
    // So many guests are asked about their state at once.
    private const int SideBySide = 16;

    // Seconds between two looks of which the first tells nothing: rates need two reports.
    private const double LeastToLearn = 5;

    private readonly long _start = invocation.TimeProvider.GetTimestamp();
    private readonly LastingConnection? _lasting = lasts ? new LastingConnection(invocation) : null;
    private readonly SeenRuns _runs = new(invocation.TimeProvider);
    private Advisor _advisor = makeAdvisor();
    private AdviceNews _news = new();
    private int _returns;
    private bool _hasLearnt, _isTold;

    /// <summary>The first look, of which nothing is said: rates need a second one.</summary>
    /// <returns>How often guests report.</returns>
    public async Task<TimeSpan> LearnAsync()
    {
        SeenHost host = await LookAsync(refresh: false);
        _ = AreSame(host);
        Learn(host);
        return host.Guests.Select(guest => guest.Stats.Period ?? default).DefaultIfEmpty().Max();
    }

    /// <summary>Waits until it is time to look again; where the run lasts, until the connection is back too.</summary>
    public Task WaitAsync(TimeSpan time)
    {
        Task due = Task.Delay(time, invocation.TimeProvider, invocation.CancellationToken);
        return _lasting?.WaitAsync(due) ?? due;
    }

    /// <returns>When to look again.</returns>
    public async Task<TimeSpan> AdviseAsync()
    {
        SeenHost host = await LookAsync(refresh: true);
        if (!AreSame(host))
        {
            // What was learnt of other systems, and what they were advised to do, would be taken for these guests'.
            (_advisor, _news, _hasLearnt) = (makeAdvisor(), new AdviceNews(), false);
        }

        if (!_hasLearnt)
        {
            Learn(host);
            return TimeSpan.FromSeconds(Math.Max(_advisor.Period, LeastToLearn));
        }

        HostAdvice advice = _advisor.Consider(host, Seconds);
        GuestAdvice[] guests = [.. advice.Guests.Where(guest => shown.Count == 0 || shown.Contains(guest.Guest.Domain.Uuid))];
        DateTimeOffset now = invocation.TimeProvider.GetLocalNow();
        if (isJson)
        {
            _advisor.Tell(guests);
            AdviceDocument.Write(invocation.Out, now, policy, advice, guests, await StatesAsync(guests));
        }
        else
        {
            await WriteTextAsync(advice, guests, now);
        }

        invocation.Out.Flush();
        return TimeSpan.FromSeconds(_advisor.Period);
    }

    private void Learn(SeenHost host)
    {
        _advisor.Learn(host, Seconds);
        _hasLearnt = true;
    }

    private double Seconds => invocation.TimeProvider.GetElapsedTime(_start).TotalSeconds;

    /// <summary>Whether the guests are for certain those of the last look. That is asked only where the connection was lost since.</summary>
    private bool AreSame(SeenHost host)
    {
        int returns = _lasting?.Returns ?? 0;
        bool areSame = _runs.Note(host) || returns == _returns;
        _returns = returns;
        return areSame;
    }

    private Task<SeenHost> LookAsync(bool refresh)
    {
        return _lasting?.AskAsync(SeeAsync) ?? SeeAsync();

        Task<SeenHost> SeeAsync() => HostSampler.LookAsync(invocation.Connection, controlGroup, refresh, invocation.CancellationToken);
    }

    /// <summary>What paused guests do instead of running, by their UUIDs: not each is to be resumed.</summary>
    private async Task<IReadOnlyDictionary<Guid, DomainStateInfo?>> StatesAsync(GuestAdvice[] guests)
    {
        ConcurrentDictionary<Guid, DomainStateInfo?> states = [];
        ParallelOptions how = new() { MaxDegreeOfParallelism = SideBySide, CancellationToken = invocation.CancellationToken };
        await Parallel.ForEachAsync(guests.Where(guest => guest.Kind == AdviceKind.Leave), how, async (guest, end) =>
            states[guest.Guest.Domain.Uuid] = await Standstill.StateOfAsync(guest.Guest.Domain, guest.Guest.Stats, end));
        return states;
    }

    private async Task WriteTextAsync(HostAdvice advice, GuestAdvice[] guests, DateTimeOffset now)
    {
        string time = now.ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        AdviceOutcome[] outcomes = [.. advice.Outcomes.Where(outcome => shown.Count == 0 || shown.Contains(outcome.Guest.Domain.Uuid))];
        foreach (AdviceOutcome outcome in outcomes)
            invocation.Out.WriteLine(SafeText.Escape($"{time} {AdviceText.Outcome(outcome)}"));

        // Numbers move with each look; that something else is to be done is worth saying again, and what is next after something was.
        if (!_news.IsNews(guests) && outcomes.Length == 0)
            return;
        if (_isTold)
            invocation.Out.WriteLine($"\n{time}");
        _isTold = true;
        _news.Tell(guests);
        _advisor.Tell(guests);
        foreach (string line in AdviceText.Lines(advice, guests, await StatesAsync(guests), invocation.Columns, isWhole: shown.Count > 0))
            invocation.Out.WriteLine(line);
    }
}
