using System.Buffers;
using System.Text;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Guests;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Virtio;
using BenchmarkDotNet.Attributes;

namespace Ballast.Benchmarks.Micro;

/// <summary>What is done with a peer's bytes for one call, each step alone. On a busy machine the least time says most.</summary>
[MemoryDiagnoser]
[MinColumn]
public class ParsingBenchmarks
{
    private readonly ArrayBufferWriter<byte> _output = new(4096);
    private readonly BalloonStatistic[] _room = new BalloonStatistic[MemoryStatTable.MaxVirtioTags];

    private MemoryStatsReply _reply;
    private SampleRecord _sample;
    private byte[] _guestStats = [], _stream = [], _replyBytes = [], _sampleBytes = [], _report = [];

    /// <summary>A guest that reports all that virtio names.</summary>
    [GlobalSetup]
    public void MakeMessages()
    {
        ulong[] values = [.. VirtioTag.Keys.Select((_, tag) => (ulong)((tag + 1) * 1_000_003))];
        string stats = string.Join(", ", VirtioTag.Keys.Select((key, tag) => $"\"{key}\": {values[tag]}"));
        string body = $$"""{"stats": {{{stats}}}, "last-update": 1764337000}""";
        _guestStats = Encoding.UTF8.GetBytes(body);
        _stream = Encoding.UTF8.GetBytes($$"""{"return": {"actual": 1073741824}, "id": 7}""" + "\r\n" + $$"""{"return": {{body}}, "id": 8}""" + "\r\n");

        BalloonStatistic[] statistics = [.. values.Select((value, tag) => new BalloonStatistic((ushort)tag, value))];
        _report = new byte[statistics.Length * BalloonStatistics.EntryBytes];
        _ = BalloonStatistics.Write(_report, statistics);

        _reply = new MemoryStatsReply { Stats = [.. values.Select((value, tag) => new MemoryStatEntry { Tag = tag, Value = value })] };
        _sample = new SampleRecord
        {
            Dom = new RemoteDomain { Name = "guest", Uuid = Guid.Parse("6695eb01-f6a4-8304-79aa-97f2502e193f"), Id = 1 },
            Stats = _reply.Stats,
            Period = OptionalNumber.From(10),
            Running = OptionalNumber.From(1),
            Answered = OptionalNumber.From(1),
            Maximum = OptionalNumber.From(1 << 20),
            Now = 1764337000000,
        };
        _replyBytes = Written(_reply);
        _sampleBytes = Written(_sample);
    }

    /// <summary>Where the two replies of a call end, and what they are.</summary>
    [Benchmark]
    public int QmpFraming()
    {
        JsonFramer framer = default;
        int at = 0, bodies = 0;
        while (framer.TryFindEnd(_stream.AsSpan(at), out int consumed))
        {
            bodies += QmpMessage.Parse(_stream.AsSpan(at, consumed)).Body.Length;
            at += consumed;
        }

        return bodies;
    }

    /// <summary>A reply to <c>qom-get … guest-stats</c>.</summary>
    [Benchmark]
    public ulong? GuestStatsParsing() => GuestStats.Parse(_guestStats).LastUpdate;

    /// <summary>What a guest put into its statistics queue.</summary>
    [Benchmark]
    public bool VirtioReportDecoding()
    {
        int count = BalloonStatistics.Read(_report, _room);
        return BalloonReport.From(_room.AsSpan(0, count)).IsEmpty;
    }

    [Benchmark]
    public int MemoryStatsReplyWriting() => Write(_reply);

    [Benchmark]
    public int MemoryStatsReplyReading() => XdrReader.Read<MemoryStatsReply>(_replyBytes).Stats.Length;

    [Benchmark]
    public int SampleWriting() => Write(_sample);

    [Benchmark]
    public int SampleReading() => XdrReader.Read<SampleRecord>(_sampleBytes).Stats.Length;

    private static byte[] Written<T>(in T message)
        where T : struct, IXdrMessage<T>
    {
        ArrayBufferWriter<byte> output = new();
        XdrWriter.Write(output, message);
        return output.WrittenSpan.ToArray();
    }

    private int Write<T>(in T message)
        where T : struct, IXdrMessage<T>
    {
        _output.ResetWrittenCount();
        XdrWriter.Write(_output, message);
        return _output.WrittenCount;
    }
}
