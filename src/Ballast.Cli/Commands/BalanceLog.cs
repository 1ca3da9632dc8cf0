using System.Globalization;
using System.Text;
using System.Text.Json;
using Ballast.Balance.Recording;
using Ballast.Cli.Balance;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Files;

namespace Ballast.Cli.Commands;

/// <summary><c>balance log</c>: the decisions that ballastd logged.</summary>
internal static class BalanceLog
{
    public const string Name = "log", DefaultFile = "/var/log/ballast/balance.jsonl";

    public static async ValueTask ExecuteAsync(CommandInvocation invocation, string? file, bool isJson)
    {
        string path = file ?? DefaultFile;
        invocation.IsDocument = isJson;
        int broken = 0;
        try
        {
            // What was moved away when the file was full comes before it. To open a pipe waits until somebody writes, and so does reading from it.
            CancellationToken token = invocation.CancellationToken;
            (FileStream? before, FileStream? now) = await Task.Run(() => OpenBoth(path), CancellationToken.None).WaitAsync(token);
            using FileStream? first = before, second = now;
            foreach (FileStream? opened in (FileStream?[])[first, second])
            {
                if (opened is null)
                    continue;
                BoundedLines lines = new(opened.Read);
                while (await Task.Run(() => lines.TryRead(out ReadOnlyMemory<byte> line) ? line : (ReadOnlyMemory<byte>?)null, CancellationToken.None).WaitAsync(token) is { } line)
                {
                    if (!TryWrite(invocation.Out, line, isJson))
                        broken++;
                }
            }
        }
        catch (InvalidDataException e)
        {
            throw new CommandException($"{path} is not a log of decisions: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot read {path}: {FileTrouble.Why(path, e)}", "ballastd writes it where its configuration has balance = \"advise\"");
        }

        if (broken > 0)
            invocation.Warn(string.Create(CultureInfo.InvariantCulture, $"{broken} {(broken == 1 ? "line is" : "lines are")} no decision, and left out"));
    }

    // Both before either is read: what is moved away meanwhile stays open under its new name.
    private static (FileStream? Before, FileStream? Now) OpenBoth(string path)
    {
        const int most = 10;
        for (int i = 0; ; i++)
        {
            FileStream? now = null;
            try
            {
                now = Open(path);
            }
            catch (FileNotFoundException) when (File.Exists(path + ".1"))
            {
                // It was moved away a moment ago, and the next decision begins a new one.
            }

            FileStream? before = null;
            try
            {
                before = File.Exists(path + ".1") ? Open(path + ".1") : null;
            }
            catch (FileNotFoundException)
            {
                // Somebody removed it.
            }
            catch
            {
                now?.Dispose();
                throw;
            }

            // It was moved away between the two, and there is a newer one.
            if (i >= most || now is null || before is null || FileKind.Of(now.SafeFileHandle) is not { } kind || kind.Id != FileKind.Of(before.SafeFileHandle)?.Id)
                return (before, now);
            now.Dispose();
            before.Dispose();
        }
    }

    // ballastd may write to it meanwhile.
    private static FileStream Open(string path) => new(path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete });

    private static bool TryWrite(TextOutput output, ReadOnlyMemory<byte> line, bool isJson)
    {
        if (line.Length == 0)
            return true;
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            IEnumerable<string> lines = isJson ? [Encoding.UTF8.GetString(line.Span)] : [.. Lines(document.RootElement)];
            foreach (string one in lines)
                output.WriteLine(SafeText.Escape(one));
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            // Half a line at the end of a full disk, or another file altogether.
            return false;
        }
    }

    private static IEnumerable<string> Lines(JsonElement decision)
    {
        string time = decision.GetProperty("time").GetDateTimeOffset().ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        yield return $"{time} balloons {Size(decision, "balloons_kib")} of {Size(decision, "budget_kib")}, {Size(decision, "short_kib")} short, {Size(decision, "possible_gain_kib")} can be gained";
        foreach (JsonElement outcome in decision.GetProperty("outcomes").EnumerateArray())
            yield return $"  {outcome.GetProperty("name").GetString()}: {outcome.GetProperty("text").GetString()}";
        foreach (JsonElement guest in decision.GetProperty("decisions").EnumerateArray())
        {
            string target = guest.GetProperty("target_kib").ValueKind == JsonValueKind.Null ? "" : $" to {Size(guest, "target_kib")}";
            yield return $"  {guest.GetProperty("advice").GetString()} {guest.GetProperty("name").GetString()} {Size(guest, "balloon_kib")}{target}: {guest.GetProperty("reason").GetString()}{Bound(guest)}";
        }
    }

    // Lines of an older program do not tell.
    private static string Bound(JsonElement guest) =>
        guest.TryGetProperty("are_limits_known", out JsonElement are) && !are.GetBoolean() ? " Its memory limits could not be read."
        : guest.TryGetProperty("bound", out JsonElement bound) && bound.GetString() is { } why ? $" {why}"
        : "";

    private static string Size(JsonElement json, string member) =>
        json.GetProperty(member) is { ValueKind: JsonValueKind.Number } number ? HumanSize.Of(number.GetUInt64(), SizeUnit.Human) : HumanSize.Unknown;
}
