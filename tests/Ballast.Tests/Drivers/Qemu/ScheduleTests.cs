using System.Globalization;
using Ballast.Tests.Fakes;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>
/// Callers, cancellations, deadlines, slow answers and stray replies in any order. Every answer carries the number of the
/// command that it answers, so that each caller can tell whether it got the answer to a question sent after it asked.
/// </summary>
public sealed class ScheduleTests
{
    private const ulong Poison = 999_999_999;
    private const int HandshakeCommands = 7;
    private const string SetPeriod = "set guest-stats-polling-interval";

    private enum Act
    {
        Ask,
        AskHastily,
        Sample,
        ReadPeriod,
        WritePeriod,
        Cancel,
        Answer,
        AnswerAll,
        Wait,
        WaitLong,
        SendStrayWithId,
        SendStrayWhenIdle,
        SendEvent,
    }

    [Fact]
    public async Task Whatever_happens_each_caller_gets_numbers_that_were_asked_for_after_it_asked_or_a_typed_error()
    {
        Gen<Act> act = Gen.Int[0, (int)Act.SendEvent].Select(number => (Act)number);
        await Gen.Select(act, Gen.Int[0, 5]).Array[5, 60].SampleAsync(
            async schedule =>
            {
                await using Run run = await Run.StartAsync();
                foreach ((Act what, int how) in schedule)
                    await run.DoAsync(what, how);
                await run.FinishAsync();
            },
            iter: 120, threads: 1);
    }

    private sealed class Run : IAsyncDisposable
    {
        private readonly FakeQmp _fake = FakeQmp.Start();
        private readonly FakeTimeProvider _time = new();
        private readonly SemaphoreSlim _answers = new(0);
        private readonly List<(Task Task, CancellationTokenSource Cancel)> _calls = [];
        private readonly List<int> _neverSent = [];
        private readonly List<int> _acknowledged = [];
        private FakeSession? _session;
        private FakeSession? _hasty;
        private int _period;

        public static async Task<Run> StartAsync()
        {
            Run run = new();
            run._session = await FakeSession.AtAsync(run._fake, run._time, TimeSpan.FromSeconds(2));
            run._hasty = await FakeSession.AtAsync(run._fake, run._time, TimeSpan.FromSeconds(0.5));
            foreach (string key in (string[])["query-balloon", "guest-stats", "guest-stats-polling-interval", "query-status", SetPeriod])
                run._fake.On(key, run.AnswerAsync);
            return run;
        }

        public async Task DoAsync(Act what, int how)
        {
            CancellationTokenSource cancel = new();
            Task? call = what switch
            {
                Act.Ask => AskAsync(_session!, cancel.Token),
                Act.AskHastily => AskAsync(_hasty!, cancel.Token),
                Act.Sample => SampleAsync(cancel.Token),
                Act.ReadPeriod => ReadPeriodAsync(cancel.Token),
                Act.WritePeriod => WritePeriodAsync(++_period, cancel.Token),
                _ => null,
            };
            if (call is not null)
                _calls.Add((call, cancel));
            switch (what)
            {
                case Act.Cancel when _calls.Count > 0:
                    await _calls[_calls.Count - 1 - (how % _calls.Count)].Cancel.CancelAsync();
                    break;
                case Act.Answer:
                    _answers.Release(how + 1);
                    break;
                case Act.AnswerAll:
                    _answers.Release(40);
                    await Waiting.UntilAsync("answers", () => !_session!.Monitor.IsBusy || _answers.CurrentCount == 0);
                    break;
                case Act.Wait:
                    _time.Advance(TimeSpan.FromMilliseconds(100 * how));
                    break;
                case Act.WaitLong:
                    _time.Advance(TimeSpan.FromSeconds(how));
                    break;
                case Act.SendStrayWithId:
                    await _fake.SendAsync($$"""{"id": {{100_000 + how}}, "return": {"stats": {}, "running": false, "actual": {{Poison * 1024}} } }""");
                    break;
                case Act.SendStrayWhenIdle when _calls.TrueForAll(call => call.Task.IsCompleted) && !_session!.Monitor.IsBusy:
                    await _fake.SendAsync($$"""{"return": {"actual": {{Poison * 1024}} } }""");
                    await _session.SettleAsync(_fake);
                    break;
                case Act.SendEvent:
                    await _fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", """{"actual": 1048576}"""));
                    break;
            }
        }

        public async Task FinishAsync()
        {
            _answers.Release(100_000);
            await Task.WhenAll(_calls.Select(call => call.Task)).In();
            await Waiting.UntilAsync("rest", () => !_session!.Monitor.IsBusy);
            await AskAsync(_session!, CancellationToken.None);

            Assert.Equal(1, _fake.Clients);
            string[] sent = [.. _fake.Commands.Where(command => command.Key == SetPeriod).Select(command => command.Argument("value"))];
            Assert.All(_acknowledged, period => Assert.Single(sent, $"{period}"));
            Assert.All(_neverSent, period => Assert.DoesNotContain($"{period}", sent));
            Assert.Equal(sent.Distinct(), sent);
        }

        public async ValueTask DisposeAsync()
        {
            await _session!.DisposeAsync();
            await _hasty!.DisposeAsync();
            await _fake.DisposeAsync();
            _answers.Dispose();
        }

        private async Task<string?> AnswerAsync(FakeCommand command)
        {
            await _answers.WaitAsync();
            int number = command.Index;
            return command.Key switch
            {
                "query-balloon" => FakeQmp.Return($$"""{"actual": {{number * 1024L}} }"""),
                "guest-stats" => FakeQmp.Return($$"""{"stats": {"stat-free-memory": {{number * 1024L}} }, "last-update": {{number}} }"""),
                "guest-stats-polling-interval" => FakeQmp.Return(number.ToString(CultureInfo.InvariantCulture)),
                "query-status" => FakeQmp.Return("""{"status": "running", "running": true}"""),
                _ => FakeQmp.Return("{}"),
            };
        }

        private async Task AskAsync(FakeSession session, CancellationToken cancelled)
        {
            ulong asked = Sent();
            try
            {
                MemoryStat[] stats = await session.StatsUnlessAsync(cancelled);
                Assert.Equal([MemoryStatTag.ActualBalloon, MemoryStatTag.Unused, MemoryStatTag.LastUpdate], stats.Select(stat => stat.Tag));
                Check(asked, stats[0].Value, stats[1].Value, stats[2].Value);
            }
            catch (Exception e) when (IsExpected(e, cancelled))
            {
            }
        }

        private async Task SampleAsync(CancellationToken cancelled)
        {
            ulong asked = Sent();
            try
            {
                MemoryStats sample = await _session!.Domain.GetMemoryStatsAsync(MemoryStatsOptions.None, cancelled);
                if (sample.Reason == MemoryStatsReason.MonitorHung)
                    Assert.True(sample.UnusedKiB is null || (sample.UnusedKiB == sample[MemoryStatTag.LastUpdate] && sample.UnusedKiB < Poison));
                else
                    Check(asked, sample.ActualKiB!.Value, sample.UnusedKiB!.Value, sample[MemoryStatTag.LastUpdate]!.Value);
            }
            catch (Exception e) when (IsExpected(e, cancelled))
            {
            }
        }

        private async Task ReadPeriodAsync(CancellationToken cancelled)
        {
            ulong asked = Sent();
            try
            {
                Assert.True((ulong)await _session!.Domain.GetPeriodAsync(cancelled) > asked);
            }
            catch (Exception e) when (IsExpected(e, cancelled))
            {
            }
        }

        private async Task WritePeriodAsync(int seconds, CancellationToken cancelled)
        {
            try
            {
                await _session!.Domain.SetPeriodAsync(seconds, cancellationToken: cancelled);
                lock (_acknowledged)
                    _acknowledged.Add(seconds);
            }
            catch (LibvirtException e) when (e.Code == ErrorCode.OperationTimeout)
            {
                if (e.Message.Contains("may still take effect", StringComparison.Ordinal))
                    return;
                Assert.Matches("not sent|not asked again", e.Message);
                lock (_neverSent)
                    _neverSent.Add(seconds);
            }
            catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
            {
            }
        }

        // The commands that went out before the caller asked.
        private ulong Sent() => (ulong)_session!.Monitor.CommandsSent + HandshakeCommands;

        private void Check(ulong asked, ulong actual, ulong unused, ulong lastUpdate)
        {
            Assert.InRange(unused, asked + 1, Poison - 1);
            Assert.Equal(unused, lastUpdate);

            // The size may be known from the question before, and may be asked for afterwards.
            ulong[] sizes = [.. _fake.Commands.Where(command => command.Key == "query-balloon").Select(command => (ulong)command.Index)];
            Assert.Equal(actual < unused ? sizes.Last(number => number < unused) : sizes.First(number => number > unused), actual);
        }

        private static bool IsExpected(Exception error, CancellationToken cancelled) =>
            error is LibvirtException { Code: ErrorCode.OperationTimeout }
            || (error is OperationCanceledException && cancelled.IsCancellationRequested);
    }
}
