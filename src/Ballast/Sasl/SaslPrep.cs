using System.Text;

namespace Ballast.Sasl;

/// <summary>
/// Names and passwords in the one form that SASLprep (RFC 4013) gives them: the same letters typed on another keyboard are the same
/// password. Characters that are newer than Unicode 3.2 stay as they are.
/// </summary>
internal static class SaslPrep
{
    /// <param name="text">The text.</param>
    /// <param name="what">What it is, for errors, which say nothing else of it.</param>
    /// <exception cref="SaslException">It is empty, or has characters that a name or a password cannot have.</exception>
    public static string Prepare(string text, string what)
    {
        if (text.Any(char.IsControl))
            throw new SaslException($"the {what} has control characters");
        string prepared = text.All(char.IsAscii) ? text : PrepareOther(text, what);
        return prepared.Length > 0 ? prepared : throw new SaslException($"the {what} is empty");
    }

    private static string PrepareOther(string text, string what)
    {
        SaslPrepTable table = SaslPrepTable.Instance;
        List<int> characters = [];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (table.IsSpace(rune.Value))
                characters.Add(' ');
            else if (!table.IsRemoved(rune.Value))
                table.Decompose(rune.Value, characters);
        }

        Order(characters, table);
        Compose(characters, table);
        if (characters.Any(table.IsProhibited))
            throw new SaslException($"the {what} has characters that RFC 4013 does not allow");
        if (characters.Any(table.IsRightToLeft)
            && (characters.Any(table.IsLeftToRight) || !table.IsRightToLeft(characters[0]) || !table.IsRightToLeft(characters[^1])))
        {
            throw new SaslException($"the {what} mixes scripts that are written from right to left with others");
        }

        StringBuilder prepared = new(text.Length);
        foreach (int character in characters)
            prepared.Append(new Rune(character));
        return prepared.ToString();
    }

    /// <summary>Marks that belong to one letter have one order, by their classes.</summary>
    private static void Order(List<int> characters, SaslPrepTable table)
    {
        for (int i = 1; i < characters.Count; i++)
        {
            int mark = characters[i], its = table.Class(mark), place = i;
            for (; its > 0 && place > 0 && table.Class(characters[place - 1]) > its; place--)
                characters[place] = characters[place - 1];
            characters[place] = mark;
        }
    }

    /// <summary>A letter and its marks become one where there is one: what stands between them has to be of a lower class.</summary>
    private static void Compose(List<int> characters, SaslPrepTable table)
    {
        int letter = -1, count = 0, before = -1;
        foreach (int character in characters.ToArray())
        {
            int its = table.Class(character);

            if (letter >= 0 && before < its && table.Join(characters[letter], character) is { } joined)
            {
                characters[letter] = joined;
                continue;
            }

            if (its == 0)
                letter = count;
            before = its == 0 ? -1 : its;
            characters[count++] = character;
        }

        characters.RemoveRange(count, characters.Count - count);
    }
}
