using System.IO.Compression;
using System.Text;
using Ballast.Balance.Advice;
using Ballast.Balance.Guards;
using Ballast.Balance.Policies;
using Ballast.Balance.Recording;

namespace Ballast.Tests.Balance;

/// <summary>What is kept of a host is what was seen, and what policies would have wished is judged by what came after.</summary>
public sealed class RecordReplayTests
{
    private const ulong KiB = 1024;

    private static readonly DateTimeOffset Started = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly HostMemory Host = new()
    {
        TotalKiB = 8192 * KiB,
        FreeKiB = 1,
        AvailableKiB = 4096 * KiB,
        SwapTotalKiB = 0,
        SwapFreeKiB = 0,
        SomePressure = new MemoryPressure(0.1, 0.2, 0.3, TimeSpan.FromSeconds(4)),
        Group = new MemoryGroup(5, null, 7) { UnreclaimableKiB = 8 },
    };

    [Fact]
    public void What_is_read_is_what_was_seen()
    {
        AdviceGuest plain = new("plain") { Unused = 100, SwapOut = 5, Faults = 7 };
        AdviceGuest[] guests =
        [
            plain, plain with { Name = "paused-one", IsRunning = false }, plain with { Name = "unknown-size", Balloon = null, Maximum = null },
            plain with { Name = "another n\u00e4me \"\\ \u0001 \U0001f600", Process = new ProcessMemory { GroupPath = "/a/b", Group = new MemoryGroup(900 * KiB, null, null), RunTime = TimeSpan.FromSeconds(5.25), HugePagesKiB = 3 } },
            plain with { Name = "limited-at-two-levels", Process = new ProcessMemory { GroupPath = "/a/b", Group = new MemoryGroup(900 * KiB, null, null) { NearestLimit = new MemoryGroupLimit(0, 900 * KiB, 7, new MemoryGroupLimit(1, 950 * KiB, null, null)) } } },
            plain with { Name = "moved-since", With = facts => facts with { ActualAtReportKiB = 512 * KiB } }, plain with { Name = "moving", With = facts => facts with { ActualAtReportKiB = 0 } },
            plain with { Name = "liar", With = facts => facts with { Entries = [.. facts.Entries.Where(one => one.Tag != MemoryStatTag.Usable), new(MemoryStatTag.Usable, ulong.MaxValue >> 12)] } },
        ];
        SeenHost seen = new(Host, [.. guests.Select(guest => guest.See(10))]);
        byte[] record = Record(recorder => Assert.True(recorder.TryWrite(seen, 1.5)));
        using RecordReader reader = new(new MemoryStream(record));
        Assert.Equal(new RecordHeader(Started, "fake:///", null), reader.Header);
        RecordedLook look = reader.Read()!;
        Assert.Equal((1.5, Host), (look.Time, look.Host));
        Assert.Equal(seen.Guests.Select(GuestFacts.Of), look.Guests);
        Assert.Null(reader.Read());
        Assert.Equal(RecordEnd.Complete, reader.End);
    }

    [Fact]
    public void A_record_that_is_cut_off_anywhere_is_read_up_to_there()
    {
        byte[] record = Record(recorder => Write(recorder, Enumerable.Range(0, 20).Select(i => Used(200 + (ulong)i))));
        int before = 0;
        for (int length = 100; length < record.Length; length += 7)
        {
            int looks = Looks(record[..length], out RecordEnd end);
            Assert.InRange(looks, before, 20);
            if (looks < 20)
                Assert.Equal(RecordEnd.Cut, end);
            before = looks;
        }

        Assert.Equal(20, Looks(record, out RecordEnd whole));
        Assert.Equal((RecordEnd.Complete, 20), (whole, before));
    }

    [Fact]
    public void It_is_never_larger_than_it_may_be_and_ends_well()
    {
        const int most = 64 * 1024;
        using MemoryStream file = new();
        using HostRecorder recorder = new(file, new RecordHeader(Started, null, null), most);
        Random random = new(1);
        int count = 0;
        while (recorder.TryWrite(new SeenHost(Host, [.. Enumerable.Range(1, 20).Select(i => new AdviceGuest(string.Concat(Enumerable.Range(0, i).Select(_ => (char)random.Next('a', 'z')))).See(10))]), count))
            count++;
        recorder.End(RecordEnd.Full, count);
        Assert.InRange(file.Length, most / 2, most);
        Assert.Equal(count, Looks(file.ToArray(), out RecordEnd end));
        Assert.Equal(RecordEnd.Full, end);
    }

    [Fact]
    public void What_could_not_be_written_is_not_written_again_in_part()
    {
        byte[] disk = new byte[1500];
        using HostRecorder recorder = new(new MemoryStream(disk), new RecordHeader(Started, null, null), long.MaxValue);
        int count = 0;
        Assert.Throws<NotSupportedException>(() =>
        {
            for (; count < disk.Length; count++)
                Assert.True(recorder.TryWrite(new SeenHost(Host, [Used((ulong)(200 + count)).See(count)]), count));
        });
        recorder.End(RecordEnd.Interrupted, count);
        Assert.Equal(count, Looks(disk[..(int)recorder.Written], out RecordEnd end));
        Assert.Equal(RecordEnd.Cut, end);
    }

    [Fact]
    public void A_monitor_that_does_not_answer_moves_no_balloon()
    {
        AdviceGuest guest = new("guest") { Balloon = 1024, Maximum = 2048 };
        byte[] record = Record(recorder => Write(recorder, Enumerable.Range(0, 12).Select(i => i % 2 == 0 ? guest : guest with { Balloon = null })));
        ReplayResult result = Run(record, ["static"]).Policies[0];
        Assert.Equal((0.0, 0.0, 0.0), (result.GivenMib, result.GrownMib, result.MovedMib));
        Assert.Equal(1024, Assert.Single(result.Guests).BalloonMib);

        // What was taken is not given back because of a report that is missing.
        ReplayResult ours = Run(record, [BalloonPolicies.Ours], budgetMib: 700).Policies[0];
        ReplayedGuest taken = Assert.Single(ours.Guests);
        Assert.InRange(taken.LeastWishMib, 200, 700);
        Assert.InRange(ours.MovedMib, 1024 - taken.LeastWishMib, 700);
        Assert.Equal(0.0, ours.GrownMib);
    }

    [Fact]
    public void A_guest_without_a_report_or_with_an_old_one_swaps_nothing()
    {
        GuestFacts real = GuestFacts.Of((new AdviceGuest("guest") { Used = 200, Unused = 100 }).See(0));
        WishedGuest wished = new();
        _ = wished.Of(real, 500, isCertain: true);
        _ = wished.Of(real with { UsableKiB = null, UnusedKiB = null }, 500, isCertain: true);
        _ = wished.Of(real with { UsableKiB = 5, UnusedKiB = 5 }, 500, isCertain: false);
        GuestFacts then = wished.Of(real, 500, isCertain: true);
        Assert.Equal((0ul, 0ul), (then.SwapInKiB, then.SwapOutKiB));
    }

    [Fact]
    public void Whatever_a_daemon_answers_the_record_can_be_read()
    {
        AdviceGuest odd = new("odd-one") { With = facts => facts with { Entries = [.. facts.Entries.Select(entry => new MemoryStat(entry.Tag, ulong.MaxValue))] } };
        odd = odd with { Process = odd.Process with { LockedKiB = ulong.MaxValue, RunTime = TimeSpan.MaxValue, Reason = (MemoryStatsReason)99 } };
        SeenGuest seen = odd.See(0);
        HostMemory host = Host with { Reason = (MemoryStatsReason)77, TotalKiB = ulong.MaxValue, FullPressure = new MemoryPressure(double.NaN, -1, 1e300, TimeSpan.MaxValue) };
        using RecordReader reader = new(new MemoryStream(Record(recorder => Assert.True(recorder.TryWrite(new SeenHost(host, [seen]), 1)))));
        RecordedLook look = reader.Read()!;
        Assert.Equal((host.Reason, (ulong?)null, (MemoryPressure?)null), (look.Host.Reason, look.Host.TotalKiB, look.Host.FullPressure));
        GuestFacts guest = Assert.Single(look.Guests);
        Assert.Equal(("odd-one", (ulong?)null, (double?)null), (guest.Name, guest.LockedKiB, guest.RunSeconds));
        Assert.Equal(Host.SomePressure, look.Host.SomePressure);
        Assert.Null(reader.Read());
        Assert.Equal(RecordEnd.Complete, reader.End);
    }

    [Theory]
    [InlineData("odd", -1)]
    [InlineData("reason 99", 99)]
    [InlineData("reason 0", -1)]
    [InlineData("reason x", -1)]
    [InlineData("paused", (int)MemoryStatsReason.Paused)]
    public void A_guest_with_a_reason_of_a_newer_program_is_left_alone(string word, int reason)
    {
        string text = $"{{\"ballast_record\":1,\"started\":\"2026-01-02T03:04:05Z\"}}\n{{\"time\":1,\"host\":{{}},\"guests\":[{{\"name\":\"a\",\"uuid\":\"0aa785e5-5582-8783-b976-10ebbebb45dc\",\"reason\":\"{word}\",\"pause_cause\":\"new\"}}]}}\n{{\"time\":2,\"end\":\"new\"}}\n";
        using RecordReader reader = new(new MemoryStream(Encoding.UTF8.GetBytes(text)));
        GuestFacts guest = Assert.Single(reader.Read()!.Guests);
        Assert.Equal((MemoryStatsReason)reason, guest.Reason);
        Assert.NotNull(GuestStanding.Of(guest).Alone);
        Assert.Null(reader.Read());
        Assert.Equal(RecordEnd.Interrupted, reader.End);
    }

    [Fact]
    public void A_record_has_so_many_guests_at_most_however_many_lines_name_them()
    {
        const int lines = 3, guests = 40_000;
        StringBuilder text = new("{\"ballast_record\":1,\"started\":\"2026-01-02T03:04:05Z\"}\n");
        for (int i = 0; i < lines; i++)
        {
            IEnumerable<string> some = Enumerable.Range(i * guests, guests).Select(number => $"{{\"name\":\"a\",\"uuid\":\"{new Guid(number, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])}\"}}");
            _ = text.Append("{\"time\":1,\"host\":{},\"guests\":[").AppendJoin(',', some).Append("]}\n");
        }

        using RecordReader reader = new(new MemoryStream(Encoding.UTF8.GetBytes(text.ToString())));
        Assert.NotNull(reader.Read());
        Assert.NotNull(reader.Read());
        Assert.Equal("line 4: with it, the record has more than 100000 guests", Assert.Throws<InvalidDataException>(reader.Read).Message);
    }

    [Fact]
    public void A_sample_that_no_reader_takes_is_a_failed_one()
    {
        SeenGuest guest = Used(200).See(0);
        AdviceGuest large = new(new string('x', 17 * 1024 * 1024));
        byte[] record = Record(recorder =>
        {
            Assert.True(recorder.TryWrite(new SeenHost(Host, [large.See(0)]), 0));
            Assert.True(recorder.TryWrite(new SeenHost(Host, [guest]), 1));
        });
        using RecordReader reader = new(new MemoryStream(record));
        Assert.Equal(1, reader.Read()!.Time);
        Assert.Equal(1, reader.Missed);
    }

    [Fact]
    public void A_policy_is_told_the_time_that_passes_between_its_decisions()
    {
        static byte[] Every(int seconds) => Record(recorder =>
        {
            for (int time = 0; time <= 240; time += seconds)
                Assert.True(recorder.TryWrite(new SeenHost(Host, [(Used(300) with { SwapOut = (ulong)time / 12 }).See(time), new AdviceGuest("other") { Used = 500 }.See(time)]), time));
        });
        ReplayResult asked = Run(Every(6), [BalloonPolicies.Ours], period: 10, budgetMib: 1400).Policies[0];
        ReplayResult real = Run(Every(12), [BalloonPolicies.Ours], budgetMib: 1400).Policies[0];
        Assert.Equal((real.Decisions, Math.Round(real.MovedMib, 3)), (asked.Decisions, Math.Round(asked.MovedMib, 3)));
    }

    [Fact]
    public void A_look_at_a_group_that_is_gone_leaves_the_wishes_and_only_a_record_without_any_limit_is_refused()
    {
        HostMemory limited = Host with { Group = new MemoryGroup(2048 * KiB, null, 7) }, gone = Host with { Group = null };
        Replay Grouped(params HostMemory[] hosts)
        {
            using MemoryStream file = new();
            using HostRecorder recorder = new(file, new RecordHeader(Started, "fake:///", "/x"), long.MaxValue);
            for (int i = 0; i < hosts.Length; i++)
                Assert.True(recorder.TryWrite(new SeenHost(hosts[i], [Used(200).See(i * 10)]), i * 10));
            recorder.End(RecordEnd.Complete, 1e6);
            return RecordReplay.Run(new MemoryStream(file.ToArray()), ["static"], cancellationToken: TestContext.Current.CancellationToken);
        }

        Assert.Equal((4, 2), (Grouped(gone, limited, gone, limited).Looks, Grouped(limited, limited, gone, limited).Policies[0].Decisions));
        Assert.Contains("'/x'", Assert.Throws<BudgetException>(() => Grouped(gone, gone)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guest_that_is_started_anew_is_the_same_guest()
    {
        byte[] record = Record(recorder => Write(recorder, Enumerable.Range(0, 20).Select(_ => Used(200))));
        using MemoryStream text = new();
        using (GZipStream gzip = new(new MemoryStream(record), CompressionMode.Decompress))
            gzip.CopyTo(text);
        string[] lines = Encoding.UTF8.GetString(text.ToArray()).Split('\n');
        string id = $"\"id\":{"guest".Length}";
        Assert.Contains(id, lines[10], StringComparison.Ordinal);
        string restarted = string.Join('\n', lines.Select((line, i) => i < 10 ? line : line.Replace(id, "\"id\":77", StringComparison.Ordinal)));
        ReplayedGuest guest = Assert.Single(Run(Encoding.UTF8.GetBytes(restarted), ["static"]).Policies[0].Guests);
        Assert.Equal(180, guest.Seconds);
    }

    // Its id comes again, as where libvirt's daemon counts from 1 after its host has booted. It had 1024 MiB and was left half of that; then
    // it needs nearly all. That is what the wish was wrong about, unless another process bears the id.
    [Theory]
    [InlineData(3600.0, 4200.0, 1)]
    [InlineData(3600.0, 4220.0, 1)]
    [InlineData(3600.0, 4180.0, 1)]
    [InlineData(3600.0, 500.0, 0)]
    [InlineData(3600.0, 5.0, 0)]
    [InlineData(400.0, 590.0, 0)]
    [InlineData(400.0, 1000.0, 1)]
    [InlineData(null, null, 1)]
    [InlineData(3600.0, null, 1)]
    public void A_guest_that_was_started_anew_while_nobody_looked_is_judged_by_nothing_of_before(double? then, double? since, int wrong)
    {
        const double gap = 600;
        byte[] record = Record(recorder =>
        {
            for (int i = 0; i < 30; i++)
                See(i * 10, 150, then - 290 + (i * 10));
            Assert.True(recorder.TryWriteMissed("the connection to the daemon was lost", 400));
            for (int i = 0; i < 6; i++)
                See(290 + gap + (i * 10), 900, since + (i * 10));

            void See(double time, ulong used, double? ran)
            {
                AdviceGuest quiet = new("quiet") { Used = used }, busy = new("busy-one") { Used = 700 };
                quiet = quiet with { Process = quiet.Process with { RunTime = ran is { } seconds ? TimeSpan.FromSeconds(Math.Max(0, seconds)) : null } };
                busy = busy with { Process = busy.Process with { RunTime = TimeSpan.FromSeconds(5000 + time) } };
                Assert.True(recorder.TryWrite(new SeenHost(Host, [quiet.See(time), busy.See(time)]), time));
            }
        });
        ReplayResult result = Run(record, [BalloonPolicies.Ours], budgetMib: 1200).Policies[0];
        ReplayedGuest guest = Assert.Single(result.Guests, guest => guest.Name == "quiet");
        Assert.Equal((wrong, 340 + (wrong * gap)), (guest.Wrong, guest.Seconds));
        Assert.InRange(guest.LeastWishMib, 150, 700);
    }

    [Theory]
    [InlineData("it is not a record of a host: it is empty", "")]
    [InlineData("it is not a record of a host: line 1 is not JSON", "hello\n")]
    [InlineData("it is not a record of a host: its first line breaks off", "{\"ballast_record\":1")]
    [InlineData("line 1: it is not a record of a host: there is no 'ballast_record'", "{}\n")]
    [InlineData("line 1: its version is 2, and this program reads 1", "{\"ballast_record\":2}\n")]
    [InlineData("line 1: its version is \"1\"", "{\"ballast_record\":\"1\"}\n")]
    [InlineData("line 2: the line has no 'time'", "HEADER\n{}\n")]
    [InlineData("line 2: the line is not an object", "HEADER\n[]\n")]
    [InlineData("line 3 is not JSON", "HEADER\n\n{\n")]
    [InlineData("line 2 is not JSON", "HEADER\n[[[[[[[[[[[[1]]]]]]]]]]]]\n")]
    [InlineData("line 2: the line has no 'guests'", "HEADER\n{\"time\":1}\n")]
    [InlineData("line 2: 'guests' of the line is not a list of at most 100000", "HEADER\n{\"time\":1,\"guests\":{}}\n")]
    [InlineData("line 2: the line has no 'host'", "HEADER\n{\"time\":1,\"guests\":[]}\n")]
    [InlineData("line 2: guest 1 is not an object", "HEADER\n{\"time\":1,\"host\":{},\"guests\":[1]}\n")]
    [InlineData("line 2: guest 1 has no 'name'", "HEADER\n{\"time\":1,\"host\":{},\"guests\":[{}]}\n")]
    [InlineData("line 2: 'uuid' of guest 1 is not a UUID", "HEADER\n{\"time\":1,\"host\":{},\"guests\":[{\"name\":\"a\"}]}\n")]
    [InlineData("line 2: 'balloon_kib' of guest 1 is not a whole number", "HEADER\n{\"time\":1,\"host\":{},\"guests\":[{\"name\":\"a\",\"uuid\":\"0aa785e5-5582-8783-b976-10ebbebb45dc\",\"balloon_kib\":-1}]}\n")]
    [InlineData("line 1: 'started' of the line is not a time", "{\"ballast_record\":1,\"started\":\"9999-12-31T23:59:59Z\"}\n")]
    [InlineData("line 2: guest 2 is there twice", "HEADER\n{\"time\":1,\"host\":{},\"guests\":[{\"name\":\"a\",\"uuid\":\"0aa785e5-5582-8783-b976-10ebbebb45dc\",\"id\":1},{\"name\":\"a\",\"uuid\":\"0aa785e5-5582-8783-b976-10ebbebb45dc\",\"id\":2}]}\n")]
    [InlineData("line 2: 'time' of the line is not a number", "HEADER\n{\"time\":-1}\n")]
    [InlineData("line 3: 'time' of the line is not after the line before it", "HEADER\n{\"time\":9,\"missed\":\"x\"}\n{\"time\":8}\n")]
    [InlineData("line 2: it has a text that is not Unicode", "HEADER\n{\"time\":1,\"missed\":\"\\ud800\"}\n")]
    public void What_is_wrong_is_told_with_its_line(string complaint, string text)
    {
        string whole = text.Replace("HEADER", "{\"ballast_record\":1,\"started\":\"2026-01-02T03:04:05Z\"}", StringComparison.Ordinal);
        foreach (bool isCompressed in (bool[])[false, true])
        {
            byte[] bytes = Encoding.UTF8.GetBytes(whole);
            InvalidDataException error = Assert.Throws<InvalidDataException>(() => Looks(isCompressed ? Compress(bytes) : bytes, out _));
            Assert.StartsWith(complaint, error.Message, StringComparison.Ordinal);
        }
    }

    // Each level of a path is looked up.
    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void A_control_groups_path_is_no_longer_than_one_can_be(int length, bool isRead)
    {
        string path = "/" + new string('a', length - 1);
        AdviceGuest guest = new("guest-one") { Process = new ProcessMemory { GroupPath = path, Group = new MemoryGroup(900 * KiB, null, null) } };
        byte[] record = Record(recorder => Assert.True(recorder.TryWrite(new SeenHost(Host, [guest.See(0)]), 1)));
        using RecordReader reader = new(new MemoryStream(record));
        Assert.Equal(isRead ? path : null, Assert.Single(reader.Read()!.Guests).GroupPath);

        byte[] text = Encoding.UTF8.GetBytes("{\"ballast_record\":1,\"started\":\"2026-01-02T03:04:05Z\"}\n{\"time\":1,\"host\":{},\"guests\":"
            + $"[{{\"name\":\"a\",\"uuid\":\"0aa785e5-5582-8783-b976-10ebbebb45dc\",\"group\":\"{path}\"}}]}}\n");
        if (isRead)
            Assert.Equal(1, Looks(text, out _));
        else
            Assert.Equal("line 2: 'group' of guest 1 is not a text of at most 4096 characters", Assert.Throws<InvalidDataException>(() => Looks(text, out _)).Message);
    }

    [Fact]
    public void Endless_lines_and_damaged_data_end()
    {
        byte[] header = Encoding.UTF8.GetBytes("{\"ballast_record\":1,\"started\":\"2026-01-02T03:04:05Z\"}\n");
        byte[] bomb = Compress([.. header, .. new byte[3 * 1024 * 1024]]);
        using RecordReader reader = new(new MemoryStream(bomb), maxLineBytes: 1024 * 1024);
        Assert.Equal("line 2 is longer than 1 MiB", Assert.Throws<InvalidDataException>(reader.Read).Message);

        byte[] record = Record(recorder => Write(recorder, Enumerable.Range(0, 400).Select(i => Used(200 + (ulong)i))));
        Random random = new(1);
        for (int i = 0; i < 50; i++)
        {
            byte[] damaged = [.. record];
            random.NextBytes(damaged.AsSpan(random.Next(record.Length - 40), 40));
            try
            {
                _ = Looks(damaged, out _);
            }
            catch (InvalidDataException e)
            {
                Assert.Contains("line ", e.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Members_that_a_newer_program_wrote_are_passed_over()
    {
        const string text = "{\"ballast_record\":1,\"started\":\"2026-01-02T03:04:05Z\",\"new\":{}}\n{\"time\":1,\"new\":1,\"host\":{\"new\":[]},\"guests\":[]}\n";
        Assert.Equal(1, Looks(Encoding.UTF8.GetBytes(text), out RecordEnd end));
        Assert.Equal(RecordEnd.Cut, end);
    }

    [Fact]
    public void A_guest_that_needs_more_than_the_wish_left_it_is_a_wrong_wish_until_it_is_given_back()
    {
        // A quiet guest for five minutes, from which a busy one gets memory; then it needs nearly all, for one.
        Replay replay = Run(Spike(30, 36), ["static", BalloonPolicies.Ours], budgetMib: 1200);
        Assert.Equal((42, 410.0, 0), (replay.Looks, replay.Seconds, replay.Missed));
        ReplayResult still = replay.Policies[0], ours = replay.Policies[1];
        Assert.Equal((0.0, 0, 0.0), (still.GivenMib, still.Wrong, still.MovedMib));
        Assert.Equal(41, ours.Decisions);
        Assert.InRange(ours.GivenMib, 700, 1024);
        Assert.Equal(ours.GivenMib * 410 / 3600, ours.GivenMibHours, 6);
        Assert.Equal(1, ours.Wrong);
        ReplayedGuest guest = Assert.Single(ours.Guests, guest => guest.Name == "quiet");
        WrongWish worst = Assert.Single(ours.Worst);
        Assert.Equal(("quiet", 300.0, 800.0), (worst.Guest, worst.Time, Math.Round(worst.NeededMib)));
        Assert.InRange(worst.WishMib, 150, 700);
        Assert.Equal(worst.LackMib, ours.WorstMib, 6);

        // What the busy one no longer needs, it has again some steps later.
        Assert.InRange(ours.LongestSeconds, 10, 60);
        Assert.Equal((ours.LongestSeconds, ours.LongestSeconds), (guest.WrongSeconds, worst.Seconds));
        Assert.Equal(100 * ours.LongestSeconds / 820, ours.WrongPercent, 6);
        Assert.Equal((1024.0, 800.0), (guest.BalloonMib, Math.Round(guest.MostNeededMib!.Value)));
    }

    [Fact]
    public void A_longer_period_gives_back_later()
    {
        ReplayResult often = Run(Spike(31, 52), ["ballast"], period: 10, budgetMib: 1200).Policies[0];
        ReplayResult seldom = Run(Spike(31, 52), ["ballast"], period: 60, budgetMib: 1200).Policies[0];
        Assert.True(seldom.Decisions < often.Decisions / 5);
        Assert.True(seldom.LongestSeconds > often.LongestSeconds, $"{seldom.LongestSeconds} > {often.LongestSeconds}");
    }

    // With the smaller budget, the other two leave no room for a margin.
    [Theory]
    [MemberData(nameof(Policies))]
    public void Guards_stand_between_every_policy_and_its_wishes(string policy)
    {
        AdviceGuest paused = new("paused-one") { IsRunning = false }, locked = new("locked");
        locked = locked with { Process = locked.Process with { LockedKiB = 1024 * KiB } };
        byte[] record = Record(recorder =>
        {
            for (int i = 0; i < 60; i++)
                Assert.True(recorder.TryWrite(new SeenHost(Host, [Used(400).See(i * 10), paused.See(i * 10), locked.See(i * 10)]), i * 10));
        });
        GuardLimits limits = new();
        foreach ((ulong budget, double margin) in ((ulong, double)[])[(1024, 0), (2500, (400 * limits.FloorShare) + limits.FloorMargin)])
        {
            ReplayResult result = Run(record, [policy], budgetMib: budget).Policies[0];
            Assert.All(result.Guests.Where(guest => guest.Name != "guest"), guest => Assert.Equal((0.0, 1024.0), (guest.GivenMib, guest.LeastWishMib)));

            // What it uses, and the margin of a guest that deflates its balloon before it kills a program.
            ReplayedGuest honest = Assert.Single(result.Guests, guest => guest.Name == "guest");
            Assert.InRange(honest.LeastWishMib, 400 + margin - 0.5, 1024);
            Assert.Equal(0, result.Wrong);
        }
    }

    public static TheoryData<string> Policies => [.. BalloonPolicies.Names];

    [Fact]
    public void A_guest_as_wished_has_so_much_less_that_is_free_and_swaps_what_does_not_fit()
    {
        GuestFacts real = GuestFacts.Of((new AdviceGuest("guest") { Used = 600, Unused = 100 }).See(0));
        WishedGuest wished = new();
        Assert.Equal(real, wished.Of(real, 1024, isCertain: true));
        GuestFacts less = wished.Of(real, 824, isCertain: true);
        Assert.Equal((824 * KiB, 824 * KiB, 0ul, 224 * KiB), (less.BalloonKiB, less.AvailableKiB, less.UnusedKiB, less.UsableKiB));
        Assert.Equal((224 * KiB, 600 * KiB, 824 * KiB, 0ul), (less.DiskCachesKiB, less.UsedKiB, less.ResidentKiB, less.SwapOutKiB));
        GuestFacts least = wished.Of(real, 500, isCertain: true);
        Assert.Equal((0ul, 500 * KiB, 100 * KiB, 0ul), (least.UsableKiB, least.UsedKiB, least.SwapOutKiB, least.SwapInKiB));
        GuestFacts more = wished.Of(real, 1200, isCertain: true);
        Assert.Equal((276 * KiB, 1024 * KiB, 100 * KiB, 100 * KiB), (more.UnusedKiB, more.ResidentKiB, more.SwapOutKiB, more.SwapInKiB));
    }

    private static Replay Run(byte[] record, string[] policies, double? period = null, ulong budgetMib = 2048) =>
        RecordReplay.Run(new MemoryStream(record), policies, period, budgetMib * KiB, TestContext.Current.CancellationToken);

    private static byte[] Spike(int from, int to) => Record(recorder =>
    {
        for (int i = 0; i < to + 6; i++)
        {
            bool isSpike = i >= from && i < to;
            AdviceGuest quiet = new("quiet") { Used = isSpike ? 800u : 150u }, busy = new("busy-one") { Used = i >= from ? 150u : 700u };
            Assert.True(recorder.TryWrite(new SeenHost(Host, [quiet.See(i * 10), busy.See(i * 10)]), i * 10));
        }
    });

    private static AdviceGuest Used(ulong mib) => new("guest") { Used = mib, Unused = 20 };

    private static void Write(HostRecorder recorder, IEnumerable<AdviceGuest> guests)
    {
        double time = 0;
        foreach (AdviceGuest guest in guests)
        {
            Assert.True(recorder.TryWrite(new SeenHost(Host, [guest.See(time)]), time));
            time += 10;
        }
    }

    private static byte[] Record(Action<HostRecorder> write)
    {
        using MemoryStream file = new();
        using HostRecorder recorder = new(file, new RecordHeader(Started, "fake:///", null), long.MaxValue);
        write(recorder);
        recorder.End(RecordEnd.Complete, 1e6);
        Assert.Equal(file.Length, recorder.Written);
        return file.ToArray();
    }

    private static int Looks(byte[] record, out RecordEnd end)
    {
        using RecordReader reader = new(new MemoryStream(record));
        int count = 0;
        while (reader.Read() is not null)
            count++;
        end = reader.End;
        return count;
    }

    private static byte[] Compress(byte[] text)
    {
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionMode.Compress))
            gzip.Write(text);
        return compressed.ToArray();
    }
}
