using System.Buffers;
using System.Text.Json;

namespace Ballast.Balance.Advice;

/// <summary>
/// A log of advice, one JSON object per line (docs/cli-json.md). A line is written if the advice has changed (<see cref="AdviceNews"/>) or
/// has a result. A full file is renamed: <c>.1</c> is appended to its name, and the file of that name before is replaced.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="maxBytes">The maximum size of a file in bytes; the log takes at most twice as much.</param>
public sealed class DecisionLog(string path, long maxBytes = DecisionLog.DefaultBytes)
{
    /// <summary>The default maximum size of a file, in bytes.</summary>
    public const long DefaultBytes = 8 * 1024 * 1024;

    private const double KiB = 1024;
    private readonly AdviceNews _news = new();

    /// <summary>Writes a line if there is something new.</summary>
    /// <param name="time">When the advice was given.</param>
    /// <param name="policy">The policy's name.</param>
    /// <param name="advice">The advice.</param>
    /// <returns>Whether a line was written.</returns>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public bool Write(DateTimeOffset time, string policy, HostAdvice advice)
    {
        ArgumentNullException.ThrowIfNull(advice);
        if (!_news.IsNews(advice.Guests) && advice.Outcomes.Count == 0)
            return false;
        ArrayBufferWriter<byte> line = new();
        using (Utf8JsonWriter json = new(line))
            Write(json, time, policy, advice);
        line.Write("\n"u8);
        Append(line.WrittenSpan);
        _news.Tell(advice.Guests);
        return true;
    }

    private static void Write(Utf8JsonWriter json, DateTimeOffset time, string policy, HostAdvice advice)
    {
        json.WriteStartObject();
        json.WriteString("time", time.UtcDateTime);
        json.WriteString("policy", policy);
        WriteSize(json, "budget_kib", advice.Budget);
        WriteSize(json, "balloons_kib", advice.Balloons);
        WriteSize(json, "free_kib", advice.Host.Free);
        WriteSize(json, "gain_kib", advice.Gain);
        WriteSize(json, "possible_gain_kib", advice.PossibleGain);
        WriteSize(json, "short_kib", advice.Short);
        json.WriteStartArray("decisions");
        foreach (GuestAdvice guest in advice.Guests.Where(guest => guest.Kind != AdviceKind.Keep || guest.IsShort || !guest.AreLimitsKnown))
            Write(json, guest);
        json.WriteEndArray();
        json.WriteStartArray("outcomes");
        foreach (AdviceOutcome outcome in advice.Outcomes)
        {
            json.WriteStartObject();
            WriteIdentity(json, outcome.Guest);
            json.WriteBoolean("is_followed", outcome.IsFollowed);
            json.WriteString("text", outcome.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, GuestAdvice guest)
    {
        json.WriteStartObject();
        WriteIdentity(json, guest.Guest);
        json.WriteString("advice", guest.Kind.Label());
        WriteSize(json, "balloon_kib", guest.Balloon);
        WriteSize(json, "target_kib", guest.Target);
        WriteSize(json, "gain_kib", guest.Gain);
        WriteSize(json, "short_kib", guest.Short);
        json.WriteBoolean("is_short", guest.IsShort);
        json.WriteString("risk", guest.Risk.Label());
        json.WriteString("reason", guest.Reason);
        if (guest.BoundBy is { } rule)
            json.WriteNumber("guard", (int)rule);
        else
            json.WriteNull("guard");
        json.WriteString("bound", guest.Bound.Length > 0 ? guest.Bound : null);
        json.WriteBoolean("are_limits_known", guest.AreLimitsKnown);
        json.WriteEndObject();
    }

    private static void WriteIdentity(Utf8JsonWriter json, SeenGuest guest)
    {
        json.WriteString("name", guest.Domain.Name);
        json.WriteString("uuid", guest.Domain.Uuid);
    }

    private static void WriteSize(Utf8JsonWriter json, string name, double? mib)
    {
        if (mib is { } size)
            json.WriteNumber(name, (ulong)Math.Round(Math.Max(0, size) * KiB));
        else
            json.WriteNull(name);
    }

    private void Append(ReadOnlySpan<byte> line)
    {
        if (new FileInfo(path) is { Exists: true } file && file.Length + line.Length + 1 > maxBytes)
            File.Move(path, path + ".1", overwrite: true);

        // Guests' names and sizes are for those who may ask the daemon.
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        FileStreamOptions how = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
            how.UnixCreateMode = mode;
        using FileStream output = new(path, how);
        if (!output.CanSeek)
            throw new IOException($"{path} is not a plain file");

        // A disk that was full left half a line: what comes is a line of its own.
        if (output.Length > 0)
        {
            output.Position = output.Length - 1;
            if (output.ReadByte() != '\n')
                output.WriteByte((byte)'\n');
        }

        output.Write(line);
    }
}
