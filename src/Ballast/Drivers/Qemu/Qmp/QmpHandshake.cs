using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>What a monitor says when a connection begins.</summary>
internal sealed record QmpHello
{
    /// <summary>QEMU's version: major × 1,000,000 + minor × 1,000 + micro.</summary>
    public ulong Version { get; init; }

    public string? Name { get; init; }

    public string? Uuid { get; init; }

    public BalloonDevice? Balloon { get; init; }

    public ulong? ActualBytes { get; init; }

    /// <summary>Null: it did not say.</summary>
    public RunState? RunState { get; init; }

    public bool IsRunning { get; init; }
}

/// <summary>
/// Opens the dialogue with a monitor: its greeting, then capabilities and all that is to be known at first, in one write unless its
/// balloon is not where it is likely to be.
/// The out-of-band capability is never asked for: it would let replies overtake each other.
/// </summary>
internal static class QmpHandshake
{
    /// <summary>Where a balloon can be: among the devices that have a name, or the others.</summary>
    public static IReadOnlyList<string> Containers { get; } = [QmpCommands.PeripheralPath, QmpCommands.AnonymousPath];

    private static readonly byte[] Opening =
    [
        .. """{"execute":"qmp_capabilities"}{"execute":"query-name"}{"execute":"query-uuid"}"""u8,
        .. QmpCommands.Query(MonitorParts.Balloon | MonitorParts.Status, null),
    ];

    /// <param name="channel">The connection.</param>
    /// <param name="balloonsLikely">
    /// Where the balloon is likely to be, if anywhere: that is asked with all the rest. Where it is not, and there is one, it is looked for.
    /// To list devices takes QEMU as long as all other questions.
    /// </param>
    /// <param name="greeted">Called when the monitor has greeted, before anything is sent to it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidDataException">It is no monitor of QEMU.</exception>
    /// <exception cref="EndOfStreamException">It closed the connection.</exception>
    public static async Task<QmpHello> RunAsync(
        QmpChannel channel, IReadOnlyList<string> balloonsLikely, Action greeted, CancellationToken cancellationToken)
    {
        try
        {
            return await RunCoreAsync(channel, balloonsLikely, greeted, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is JsonException or InvalidDataException && channel.BeginsWith("QEMU "u8))
        {
            throw new InvalidDataException(
                "it is QEMU's monitor for people (HMP), not the one for programs: start QEMU with -qmp unix:PATH,server=on,wait=off", e);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("it sent something that is not JSON", e);
        }
    }

    private static async Task<QmpHello> RunCoreAsync(
        QmpChannel channel, IReadOnlyList<string> balloonsLikely, Action greeted, CancellationToken cancellationToken)
    {
        byte[] greeting = await NextAsync(channel, QmpMessageKind.Greeting, cancellationToken).ConfigureAwait(false)
            ?? throw new InvalidDataException("it did not greet as QEMU does");
        QmpHello hello = new() { Version = HandshakeReplies.ReadGreetingVersion(greeting) };

        greeted();
        channel.Send([.. Opening, .. balloonsLikely.SelectMany(QmpCommands.List)]);
        if (await NextReplyAsync(channel, cancellationToken).ConfigureAwait(false) is null)
            throw new InvalidDataException("it refused to leave capabilities negotiation");
        if (await NextReplyAsync(channel, cancellationToken, RefuseUnknown).ConfigureAwait(false) is { } name)
            hello = hello with { Name = QmpMembers.ReadText(name, "name"u8) };
        if (await NextReplyAsync(channel, cancellationToken).ConfigureAwait(false) is { } uuid)
            hello = hello with { Uuid = QmpMembers.ReadText(uuid, "UUID"u8) };

        MonitorValues values = default;
        bool hasNoBalloon = false;
        foreach (MonitorParts part in (MonitorParts[])[MonitorParts.Balloon, MonitorParts.Status])
        {
            if (await NextReplyAsync(channel, cancellationToken, error => hasNoBalloon |= part == MonitorParts.Balloon && SaysNone(error)).ConfigureAwait(false) is { } body)
                QmpReplies.Read(part, body, ref values);
        }

        hello = hello with
        {
            ActualBytes = values.ActualBytes,
            RunState = values.Has(MonitorParts.Status) ? values.RunState : null,
            IsRunning = values.IsRunning,
        };
        hello = hello with { Balloon = await FindBalloonAsync(channel, balloonsLikely, cancellationToken).ConfigureAwait(false) };
        if (hello.Balloon is not null || hasNoBalloon)
            return hello;
        string[] others = [.. Containers.Except(balloonsLikely)];
        if (others.Length > 0)
            channel.Send([.. others.SelectMany(QmpCommands.List)]);
        return hello with { Balloon = await FindBalloonAsync(channel, others, cancellationToken).ConfigureAwait(false) };
    }

    // In what was asked for. There is one balloon at most.
    private static async Task<BalloonDevice?> FindBalloonAsync(QmpChannel channel, IReadOnlyList<string> asked, CancellationToken cancellationToken)
    {
        BalloonDevice? balloon = null;
        foreach (string container in asked)
        {
            if (await NextReplyAsync(channel, cancellationToken).ConfigureAwait(false) is { } list
                && HandshakeReplies.TryFindBalloon(list, out string device, out bool isProxied))
            {
                balloon ??= BalloonDevice.In(container, device, isProxied);
            }
        }

        return balloon;
    }

    // QEMU says so as long as no balloon is plugged. Anything else says nothing of the device, such as that KVM lacks what a balloon needs.
    private static bool SaysNone(byte[] error) => QmpError.Parse(error).Class == QmpErrorClass.DeviceNotActive;

    // Every QEMU knows the question for its guest's name; others speak the same language and have no guest.
    private static void RefuseUnknown(byte[] error)
    {
        if (QmpError.Parse(error).Class == QmpErrorClass.CommandNotFound)
            throw new InvalidDataException("it speaks QMP, but runs no guest: it does not know query-name, as qemu-storage-daemon does not; name a QEMU's monitor");
    }

    private static Task<byte[]?> NextReplyAsync(QmpChannel channel, CancellationToken cancellationToken, Action<byte[]>? onError = null) =>
        NextAsync(channel, QmpMessageKind.Return, cancellationToken, onError);

    // The body of the next message that is no event; null where it is an error.
    private static async Task<byte[]?> NextAsync(
        QmpChannel channel, QmpMessageKind expected, CancellationToken cancellationToken, Action<byte[]>? onError = null)
    {
        for (int events = 0; events <= QmpLimits.MaxUnsolicitedPerSecond;)
        {
            if (!TryNext(channel, out QmpMessageKind kind, out byte[]? body))
            {
                if (!await channel.ReceiveAsync(cancellationToken).ConfigureAwait(false))
                    throw new EndOfStreamException();
                continue;
            }

            if (kind == QmpMessageKind.Event)
                events++;
            else if (kind == expected)
                return body;
            else if (kind == QmpMessageKind.Error)
            {
                onError?.Invoke(body!);
                return null;
            }
            else
                throw new InvalidDataException("it sent a message out of turn");
        }

        throw new InvalidDataException("it sends too many unsolicited messages");
    }

    private static bool TryNext(QmpChannel channel, out QmpMessageKind kind, out byte[]? body)
    {
        kind = default;
        body = null;
        if (!channel.TryTakeMessage(out ReadOnlySpan<byte> json))
            return false;
        QmpMessage message = QmpMessage.Parse(json);
        kind = message.Kind;
        body = kind == QmpMessageKind.Event ? null : message.Body.ToArray();
        return true;
    }
}
