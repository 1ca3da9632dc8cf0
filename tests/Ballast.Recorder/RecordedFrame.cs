using System.Buffers.Binary;
using System.Globalization;
using System.Reflection;
using System.Text;
using Ballast.Rpc;

namespace Ballast.Recorder;

/// <summary>A whole frame as it went between a client and a real daemon.</summary>
/// <param name="Name">What it is, as <c>159 DomainMemoryStats reply 2</c>; no two have the same.</param>
/// <param name="Session">What the client was doing.</param>
/// <param name="IsFromClient">Who sent it.</param>
/// <param name="Bytes">Length word, header and payload.</param>
internal sealed record RecordedFrame(string Name, string Session, bool IsFromClient, byte[] Bytes)
{
    private const string SessionMark = "## ", ClientMark = "> ", DaemonMark = "< ";
    private const int Word = 4;

    private static readonly string Path = System.IO.Path.Combine(
        typeof(RecordedFrame).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryRoot").Value!,
        "tests", "Ballast.Tests", "Golden", "recorded-frames.txt");

    public RpcHeader Header => RpcHeader.Read(Bytes.AsSpan(RpcLimits.LengthBytes));

    public ReadOnlySpan<byte> Payload => Bytes.AsSpan(RpcHeader.FrameOverhead);

    /// <summary>The frames of the file, in the order in which they were recorded.</summary>
    public static IReadOnlyList<RecordedFrame> ReadAll()
    {
        List<RecordedFrame> frames = [];
        string session = "";
        foreach (string line in File.ReadLines(Path))
        {
            if (line.StartsWith(SessionMark, StringComparison.Ordinal))
                session = line[SessionMark.Length..];
            else if (line.Length > 0 && line[0] != '#')
                frames.Add(Parse(line, session));
        }

        return frames;
    }

    public static string Write(IEnumerable<RecordedFrame> frames)
    {
        StringBuilder text = new();
        _ = text.Append("""
            # Whole frames between unmodified clients of libvirt and a real libvirtd 9.0.0: who sent it (> the client, < the
            # daemon), what it is, the length word, the header's six words, the payload. Frames that differ in nothing but
            # their serial are kept once, and of each kind a few. Recorded anew by
            #     dotnet run -c Release --project tests/Ballast.Recorder

            """);
        string session = "";
        foreach (RecordedFrame frame in frames)
        {
            if (frame.Session != session)
                _ = text.Append(CultureInfo.InvariantCulture, $"\n{SessionMark}{session = frame.Session}\n");
            string payload = Words(frame.Payload);
            _ = text.Append(CultureInfo.InvariantCulture,
                $"{(frame.IsFromClient ? ClientMark : DaemonMark)}{frame.Name} | {Words(frame.Bytes.AsSpan(0, RpcHeader.FrameOverhead))} |{(payload.Length > 0 ? " " : "")}{payload}\n");
        }

        File.WriteAllText(Path, text.ToString());
        return Path;
    }

    private static RecordedFrame Parse(string line, string session)
    {
        string[] parts = line[ClientMark.Length..].Split('|', StringSplitOptions.TrimEntries);
        byte[] bytes = Convert.FromHexString((parts[1] + parts[2]).Replace(" ", "", StringComparison.Ordinal));
        return BinaryPrimitives.ReadInt32BigEndian(bytes) == bytes.Length
            ? new RecordedFrame(parts[0], session, line.StartsWith(ClientMark, StringComparison.Ordinal), bytes)
            : throw new InvalidDataException($"{parts[0]} has another length than it says");
    }

    private static string Words(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new();
        for (; bytes.Length > 0; bytes = bytes[Math.Min(Word, bytes.Length)..])
            _ = text.Append(text.Length > 0 ? " " : "").Append(Convert.ToHexStringLower(bytes[..Math.Min(Word, bytes.Length)]));
        return text.ToString();
    }
}
