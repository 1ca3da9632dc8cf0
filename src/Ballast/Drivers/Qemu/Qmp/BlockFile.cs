using System.Text.Json;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// What QEMU calls the file of a disk: its path, or, where the disk was put together in another way than its file says (libvirt
/// names what lies under an image itself), a description of the whole.
/// </summary>
internal static class BlockFile
{
    private const string Description = "json:";

    /// <summary>The path, where there is one file at the end; otherwise what QEMU said.</summary>
    public static string? PathOf(string? said)
    {
        const int most = 16;
        if (said?.StartsWith(Description, StringComparison.Ordinal) != true)
            return said;
        try
        {
            using JsonDocument document = JsonDocument.Parse(said.AsMemory(Description.Length));
            JsonElement? node = document.RootElement;
            for (int depth = 0; depth < most && node is not null; depth++)
            {
                if (Text(Member(node, "filename") ?? Member(node, "file.filename")) is { } path)
                    return path;
                node = Member(node, "file");
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Another program's text.
        }

        return said;
    }
}
