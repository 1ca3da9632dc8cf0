using System.Globalization;
using System.Text;

namespace Ballast.Drivers;

/// <summary>Text of strangers (guests' names, programs) on its way into messages.</summary>
internal static class DisplayText
{
    /// <summary>Control characters as <c>\xNN</c>, so that no terminal obeys them.</summary>
    public static string Escape(string text)
    {
        if (!text.Any(char.IsControl))
            return text;
        StringBuilder escaped = new();
        foreach (char c in text)
        {
            if (char.IsControl(c))
                escaped.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else
                escaped.Append(c);
        }

        return escaped.ToString();
    }
}
