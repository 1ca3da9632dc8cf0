namespace Ballast.Sasl;

/// <summary>What SASLprep has to know of characters, from the file that <c>eng/saslprep.py</c> makes and describes. It is read when it is needed first.</summary>
internal sealed class SaslPrepTable
{
    private const int Hangul = 0xAC00, Lead = 0x1100, Vowel = 0x1161, Tail = 0x11A7, Vowels = 21, Tails = 28, Syllables = 19 * Vowels * Tails, Leads = 19;

    private static readonly Lazy<SaslPrepTable> Only = new(static () => new SaslPrepTable());

    private readonly Dictionary<int, int[]> _parts = [];
    private readonly Dictionary<(int First, int Second), int> _joined = [];
    private readonly Range[] _classes, _removed, _spaces, _prohibited, _rightToLeft, _leftToRight;

    private SaslPrepTable()
    {
        using Stream file = typeof(SaslPrepTable).Assembly.GetManifestResourceStream("SaslPrep.bin")!;
        ReadParts(file);
        ReadJoined(file);
        _classes = ReadRanges(file, haveValues: true);
        _removed = ReadRanges(file);
        _spaces = ReadRanges(file);
        _prohibited = ReadRanges(file);
        _rightToLeft = ReadRanges(file);
        _leftToRight = ReadRanges(file);
    }

    public static SaslPrepTable Instance => Only.Value;

    /// <summary>The class of a mark; 0: it is none.</summary>
    public int Class(int character) => Find(_classes, character) is { } range ? range.Value : 0;

    public bool IsRemoved(int character) => Find(_removed, character) is not null;

    public bool IsSpace(int character) => Find(_spaces, character) is not null;

    public bool IsProhibited(int character) => Find(_prohibited, character) is not null;

    public bool IsRightToLeft(int character) => Find(_rightToLeft, character) is not null;

    public bool IsLeftToRight(int character) => Find(_leftToRight, character) is not null;

    /// <summary>Adds what a character consists of.</summary>
    public void Decompose(int character, List<int> to)
    {
        int syllable = character - Hangul;
        if (syllable is >= 0 and < Syllables)
        {
            to.Add(Lead + (syllable / (Vowels * Tails)));
            to.Add(Vowel + (syllable / Tails % Vowels));
            if (syllable % Tails != 0)
                to.Add(Tail + (syllable % Tails));
        }
        else if (_parts.TryGetValue(character, out int[]? parts))
        {
            to.AddRange(parts);
        }
        else
        {
            to.Add(character);
        }
    }

    /// <summary>The one character for two; null: there is none.</summary>
    public int? Join(int first, int second)
    {
        int lead = first - Lead, vowel = second - Vowel, syllable = first - Hangul, tail = second - Tail;
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels)
            return Hangul + (((lead * Vowels) + vowel) * Tails);
        if (syllable is >= 0 and < Syllables && syllable % Tails == 0 && tail is > 0 and < Tails)
            return first + tail;
        return _joined.TryGetValue((first, second), out int joined) ? joined : null;
    }

    private static Range? Find(Range[] ranges, int character)
    {
        int low = 0, high = ranges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (character < ranges[middle].First)
                high = middle - 1;
            else if (character > ranges[middle].Last)
                low = middle + 1;
            else
                return ranges[middle];
        }

        return null;
    }

    private void ReadParts(Stream file)
    {
        int character = 0, part = 0;
        for (int left = ReadNumber(file); left > 0; left--)
        {
            character += ReadNumber(file);
            int[] parts = new int[ReadNumber(file)];
            for (int i = 0; i < parts.Length; i++)
                parts[i] = part += ReadDifference(file);
            _parts.Add(character, parts);
        }
    }

    private void ReadJoined(Stream file)
    {
        int character = 0;
        for (int left = ReadNumber(file); left > 0; left--)
        {
            character += ReadNumber(file);
            int first = character + ReadDifference(file);
            _joined.Add((first, character + ReadDifference(file)), character);
        }
    }

    private static Range[] ReadRanges(Stream file, bool haveValues = false)
    {
        Range[] ranges = new Range[ReadNumber(file)];
        int behind = 0;
        for (int i = 0; i < ranges.Length; i++)
        {
            int first = behind + ReadNumber(file), last = first + ReadNumber(file);
            ranges[i] = new Range(first, last, haveValues ? ReadNumber(file) : 0);
            behind = last + 1;
        }

        return ranges;
    }

    private static int ReadDifference(Stream file)
    {
        int number = ReadNumber(file);
        return (number & 1) == 0 ? number / 2 : -((number + 1) / 2);
    }

    private static int ReadNumber(Stream file)
    {
        const int seven = 7, more = 0x80;
        int number = 0;
        for (int shift = 0; ; shift += seven)
        {
            int next = file.ReadByte();
            if (next < 0)
                throw new EndOfStreamException();
            number |= (next & (more - 1)) << shift;
            if ((next & more) == 0)
                return number;
        }
    }

    private readonly record struct Range(int First, int Last, int Value);
}
