namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>One group of a file for <c>-readconfig</c>: <c>[group "id"]</c> and its members.</summary>
internal sealed record ConfigurationGroup(string Name, OptionMembers Members);

/// <summary>Reads what QEMU reads from a file for <c>-readconfig</c>.</summary>
internal static class ConfigurationFile
{
    public static IEnumerable<ConfigurationGroup> Read(string text)
    {
        ConfigurationGroup? group = null;
        foreach (string line in Lines(text))
        {
            // Only in the first column do these mean something to QEMU.
            if (line.StartsWith('#'))
                continue;
            if (line.StartsWith('['))
            {
                if (group is not null)
                    yield return group;
                group = ReadHeader(line);
            }
            else if (group is not null)
            {
                ReadMember(line.AsSpan(), group.Members);
            }
        }

        if (group is not null)
            yield return group;
    }

    // What follows the closing bracket counts for nothing.
    private static ConfigurationGroup ReadHeader(string line)
    {
        OptionMembers members = new();
        int quote = line.IndexOf('"', StringComparison.Ordinal), end = line.IndexOf(']', StringComparison.Ordinal);
        if (quote >= 0 && (end < 0 || quote < end))
        {
            ReadOnlySpan<char> id = line.AsSpan(quote + 1);
            int close = id.IndexOf('"');
            members.Set("id", (close < 0 ? id : id[..close]).ToString());
            return new ConfigurationGroup(line[1..quote].Trim(), members);
        }

        // Without a bracket the line's end belongs to the name, and no group is called so.
        return new ConfigurationGroup(end < 0 ? "" : line[1..end], members);
    }

    // name = "value"; what is not in quotes is taken for an empty value.
    private static void ReadMember(ReadOnlySpan<char> line, OptionMembers members)
    {
        line = line.TrimStart();
        int length = 0;
        while (length < line.Length && !char.IsWhiteSpace(line[length]))
            length++;
        if (length == 0)
            return;
        ReadOnlySpan<char> rest = line[length..].TrimStart();
        string value = "";
        if (rest is ['=', ..] && rest[1..].TrimStart() is ['"', .. var quoted])
        {
            int close = quoted.IndexOf('"');
            value = (close < 0 ? quoted : quoted[..close]).TrimEnd('\r').ToString();
        }

        members.Set(line[..length].ToString(), value);
    }

    private static IEnumerable<string> Lines(string text)
    {
        for (int start = 0; start < text.Length;)
        {
            int end = text.IndexOf('\n', start) is var found and >= 0 ? found : text.Length;
            int length = text.AsSpan(start, end - start).IndexOf('\0') is var zero and >= 0 ? zero : end - start;
            yield return text.Substring(start, length);
            start = end + 1;
        }
    }
}
