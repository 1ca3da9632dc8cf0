using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A monitor of one QEMU.</summary>
/// <param name="Monitor">The monitor.</param>
/// <param name="IsMeant">Whether who answers there after so many of its connections were lost is still that QEMU (<see cref="QmpMonitor.Losses"/>); null: it is proven otherwise.</param>
internal readonly record struct AskedMonitor(QmpMonitor Monitor, Func<long, bool>? IsMeant);

/// <summary>Replies that are asked for seldom, as trees; what has another shape than expected is null or empty.</summary>
internal static class QmpJson
{
    /// <summary>Asks one question; null where QEMU refuses it.</summary>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<JsonElement?> AskAsync(
        AskedMonitor monitor, string command, byte[] text, TimeSpan timeout, CancellationToken cancellationToken)
    {
        List<JsonElement?> answers = [];
        await AskAllAsync(monitor, command, [text], answers, timeout, cancellationToken).ConfigureAwait(false);
        return answers[0];
    }

    /// <summary>Asks in one write.</summary>
    /// <param name="monitor">Whom to ask.</param>
    /// <param name="name">What the questions are called in an error.</param>
    /// <param name="questions">The questions.</param>
    /// <param name="answers">Gets an answer for each, null where QEMU refuses it, or where it is none (<see cref="QmpTree"/>); where it falls silent, those that came before.</param>
    /// <param name="timeout">The longest wait for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task AskAllAsync(
        AskedMonitor monitor, string name, IReadOnlyCollection<byte[]> questions, List<JsonElement?> answers, TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        byte[] commands = [.. questions.SelectMany(question => question)];
        _ = await monitor.Monitor.CallAsync(
            name, commands, questions.Count, changesSomething: false, Read, onRefusal: () => answers.Add(null), onSent: null, monitor.IsMeant, timeout,
            cancellationToken)
            .ConfigureAwait(false);

        void Read(QmpReply reply) => answers.Add(reply.Tree);
    }

    public static JsonElement.ArrayEnumerator Elements(JsonElement? array) =>
        array is { ValueKind: JsonValueKind.Array } elements ? elements.EnumerateArray() : default;

    public static JsonElement? Member(JsonElement? value, string name) =>
        value is { ValueKind: JsonValueKind.Object } members && members.TryGetProperty(name, out JsonElement member) ? member : null;

    public static string? Text(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.String } text && text.GetString() is { Length: <= QmpLimits.MaxTextLength } said ? said : null;

    /// <summary>Null also where it cannot be true: QEMU's numbers of this kind have 63 bits.</summary>
    public static ulong? Number(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.Number } number && number.TryGetUInt64(out ulong said) && said <= long.MaxValue ? said : null;
}
