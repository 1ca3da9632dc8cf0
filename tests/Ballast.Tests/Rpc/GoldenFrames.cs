using Ballast.Fuzz.Wire;
using Ballast.Rpc.Messages;

namespace Ballast.Tests.Rpc;

/// <summary>Messages of a real daemon, from Golden/frames.txt.</summary>
internal sealed record GoldenFrame(string Name, Type Message, byte[] Payload)
{
    public static IReadOnlyList<GoldenFrame> All { get; } =
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Golden/frames.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(" | "))
            .Select(parts => new GoldenFrame(
                parts[0], typeof(RemoteDomain).Assembly.GetType($"Ballast.Rpc.Messages.{parts[1]}", throwOnError: true)!,
                Convert.FromHexString(parts[2].Replace(" ", "", StringComparison.Ordinal)))),
    ];

    /// <summary>Decodes bytes as this message, and encodes what came out.</summary>
    public byte[] Recode(byte[] bytes) => WireMessages.Recode(Message, bytes);
}
