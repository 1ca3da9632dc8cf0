using System.Globalization;
using Ballast.Guests;
using Ballast.Tests.Fakes;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>
/// One guest, asked over QMP and over libvirt's protocol at the same moments. Libvirt's way tells less, so whatever has happened
/// to the guest, what is derived from it is never fresher, younger or more certain.
/// </summary>
public sealed class DerivedPropertyTests
{
    private const long Start = 1_700_000_000;

    private static readonly string[] States =
        ["running", "running", "running", "paused", "guest-panicked", "shutdown", "suspended", "io-error", "internal-error", "watchdog"];

    private enum Happening
    {
        Look,
        Pass,
        Report,
        Reset,
        Stop,
        Period,
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]

    // A socket that leads to another host: its clock is an hour off.
    [InlineData(3600)]
    [InlineData(-3600)]
    public async Task Libvirts_way_never_says_what_the_monitors_way_does_not(int behind) =>
        await Gen.Select(Gen.Enum<Happening>(), Gen.Int[0, 99]).Array[5, 40].SampleAsync(
            steps => TryAsync(steps, TimeSpan.FromSeconds(behind)), iter: 40, threads: 2);

    private static async Task TryAsync((Happening What, int How)[] steps, TimeSpan behind)
    {
        Doubt doubt = new(clocksAgree: behind == TimeSpan.Zero);
        FakeTimeProvider host = new(DateTimeOffset.FromUnixTimeSeconds(Start)), ours = new(DateTimeOffset.FromUnixTimeSeconds(Start) - behind);
        await using FakeQmp fake = FakeQmp.Start();
        FakeGuest guest = fake.Guest.Reporting(lastUpdate: Start);
        guest.Interval = 2;
        await using Connection direct = await Connection.OpenAsync(fake.Uri, new ConnectionOptions { TimeProvider = host }, Token);
        await using ServerFixture server = ServerFixture.Start(
            await Connection.OpenAsync(fake.Uri, new ConnectionOptions { TimeProvider = host }, Token),
            wrap: inner => new PlainLibvirt(inner, hasOldProgram: false, isTranslated: true));
        await using Connection remote = await server.ConnectAsync(new ConnectionOptions { TimeProvider = ours, KeepaliveInterval = TimeSpan.Zero });
        Domain there = Assert.Single(await direct.ListDomainsAsync(cancellationToken: Token));
        Domain here = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        await CompareAsync(there, here, doubt);

        // After the one that the samples need: what is heard here they have heard.
        await using DomainEventSubscription events = await remote.SubscribeAsync(new DomainEventFilter { Kinds = DomainEventKinds.Reboot }, Token);
        await using IAsyncEnumerator<DomainEvent> heard = events.GetAsyncEnumerator(Token);
        ulong faults = 4;
        foreach ((Happening what, int how) in steps)
        {
            switch (what)
            {
                case Happening.Look:
                    await CompareAsync(there, here, doubt);
                    break;
                case Happening.Pass:
                    host.Advance(TimeSpan.FromSeconds(how % 25));
                    ours.Advance(TimeSpan.FromSeconds(how % 25));
                    break;
                case Happening.Report:
                    doubt.NoteReport(host.GetUtcNow().ToUnixTimeSeconds());
                    faults = how % 10 == 0 ? 1 : faults + 1;
                    guest.Stats["stat-minor-faults"] = faults.ToString(CultureInfo.InvariantCulture);
                    guest.Report(host.GetUtcNow().ToUnixTimeSeconds(), (ulong)how << 16);
                    break;
                case Happening.Reset:
                    // No two in one moment: the monitor's way tells them apart by their times.
                    host.Advance(TimeSpan.FromSeconds(1));
                    ours.Advance(TimeSpan.FromSeconds(1));
                    await fake.SendAsync(FakeQmp.Event("RESET", """{"guest": true, "reason": "guest-reset"}"""));
                    Assert.True(await heard.MoveNextAsync().AsTask().WaitAsync(Deadline.Default, Token));
                    doubt.NoteReset();
                    faults = 0;
                    break;
                case Happening.Stop:
                    guest.Status = States[how % States.Length];
                    break;
                default:
                    guest.Interval = how % 3 == 0 ? 0 : how % 11;
                    break;
            }
        }

        await CompareAsync(there, here, doubt);
    }

    private static async Task CompareAsync(Domain there, Domain here, Doubt doubt)
    {
        MemoryStats more = await there.GetMemoryStatsAsync(cancellationToken: Token), less = await here.GetMemoryStatsAsync(cancellationToken: Token);
        string both = $"{more.Reason.Label()}, {more.Freshness.Label()}, {more.Age}, {more.Inconsistencies}; {less.Reason.Label()}, {less.Freshness.Label()}, {less.Age}, {less.Inconsistencies}";
        Assert.True(less.Freshness <= more.Freshness, $"fresher: {both}");
        Assert.True(less.Age is null || less.Age >= more.Age, $"younger: {both}");
        Assert.True(more.Reason != MemoryStatsReason.Paused || less.Inconsistencies != 0 || (less.Reason, less.State) == (more.Reason, more.State), $"another state: {both}");
        Assert.All(less.Entries.Where(entry => entry.Tag != MemoryStatTag.Rss), entry => Assert.Equal(more[entry.Tag], entry.Value));

        // Where a reset may be between two reports, their counters are not compared.
        MemoryStatsInconsistency told = more.Inconsistencies & ~(doubt.IsAboutLast() ? MemoryStatsInconsistency.CounterWentBackwards : 0);
        if (told != more.Inconsistencies)
            return;
        Assert.True(less.Reason != MemoryStatsReason.Fresh || more.Reason == MemoryStatsReason.Fresh, $"more certain: {both}");
        Assert.True(less.Used is null || less.Used == more.Used, $"another use: {both}");

        // What is not fresh, as what may be from before a reset, claims nothing.
        Assert.True(less.Freshness != Freshness.Fresh || (less.Inconsistencies & told) == told, $"more consistent: {both}");
    }

    /// <summary>
    /// Whether libvirt's way can tell that the report before the last is of the system that runs now. By another host's clock it cannot
    /// where that report came around a reset: after the last look before, and before the first one since. Nor can it by one of the same
    /// second.
    /// </summary>
    private sealed class Doubt(bool clocksAgree)
    {
        private (int Number, long Second) _last, _seen, _around = (-1, -1);
        private int _behindIt = -1;
        private bool _wasReset;

        public void NoteReport(long second) => _last = (_last.Number + 1, second);

        public void NoteReset() => _wasReset = true;

        /// <summary>Both ways look.</summary>
        public bool IsAboutLast()
        {
            bool isNew = _last != _seen;
            if (isNew && ((_wasReset && !clocksAgree) || (_seen == _around && _last.Second == _around.Second)))
                _around = _last;
            else if (isNew && _seen == _around)
                _behindIt = _last.Number;
            (_seen, _wasReset) = (_last, false);
            return _last == _around || _last.Number == _behindIt;
        }
    }
}
