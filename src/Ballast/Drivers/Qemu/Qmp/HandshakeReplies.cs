using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Reads what a connection begins with: QEMU's greeting, and where its balloon is.</summary>
internal static class HandshakeReplies
{
    /// <summary>QEMU's version in a greeting: major × 1,000,000 + minor × 1,000 + micro.</summary>
    public static ulong ReadGreetingVersion(ReadOnlySpan<byte> greeting)
    {
        Utf8JsonReader reader = QmpMembers.Open(greeting, JsonTokenType.StartObject, "its greeting is not an object");
        if (!QmpMembers.Find(ref reader, "version"u8) || reader.TokenType != JsonTokenType.StartObject
            || !QmpMembers.Find(ref reader, "qemu"u8) || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new InvalidDataException("its greeting has no version");
        }

        ulong version = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ulong weight = reader.TextIs("major"u8) ? 1_000_000u
                : reader.TextIs("minor"u8) ? 1_000u
                : reader.TextIs("micro"u8) ? 1u : 0u;
            _ = reader.Read();
            if (weight == 0)
                reader.Skip();
            else if (reader.TokenType == JsonTokenType.Number && reader.TryGetUInt16(out ushort number))
                version += weight * number;
        }

        return version;
    }

    /// <summary>The balloon device among a container's children: its name and whether it sits on a bus proxy (PCI, CCW).</summary>
    public static bool TryFindBalloon(ReadOnlySpan<byte> qomList, out string name, out bool isProxied)
    {
        name = "";
        isProxied = false;
        Utf8JsonReader reader = QmpMembers.Open(qomList, JsonTokenType.StartArray, "its reply to qom-list is not an array");
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            string? candidate = null;
            bool isBalloon = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isName = reader.TextIs("name"u8);
                bool isType = reader.TextIs("type"u8);
                _ = reader.Read();
                if (isName && reader.TokenType == JsonTokenType.String)
                {
                    candidate = QmpText.Read(ref reader);
                }
                else if (isType && reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped)
                {
                    isBalloon = reader.ValueSpan.StartsWith("child<virtio-balloon-"u8);
                    isProxied = !reader.TextIs("child<virtio-balloon-device>"u8);
                }
                else
                {
                    reader.Skip();
                }
            }

            if (isBalloon && candidate is { Length: > 0 })
            {
                name = candidate;
                return true;
            }
        }

        return false;
    }
}
