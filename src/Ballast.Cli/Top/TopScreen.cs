using System.Globalization;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Top;

/// <summary>The page that somebody sees, as lines that fit the terminal.</summary>
internal sealed class TopScreen(TopState state, bool hasColour)
{
    private const string Chosen = "\e[7m";

    // A terminal that is less high than this has no room for sums.
    private const int FewRows = 12;

    private int _first;

    public IReadOnlyList<string> Lines(int columns, int rows, DateTimeOffset now)
    {
        List<string> lines = state.Page switch
        {
            TopPage.Help => [.. Title(columns, now), "", .. Help(columns)],
            TopPage.Guest => [.. Title(columns, now), .. GuestPage.Lines(state, columns, rows - 2)],
            _ => Table(columns, rows, now),
        };
        if (state.Page != TopPage.Table)
        {
            lines = [.. lines.Take(rows - 1)];
            lines.AddRange(Enumerable.Repeat("", Math.Max(0, rows - 1 - lines.Count)));
            lines.Add(TableRow.Cut(state.Page == TopPage.Guest ? "Esc back  Up, Down another guest  q quit" : "Esc back  q quit", columns));
        }

        return [.. lines.Take(rows)];
    }

    private List<string> Table(int columns, int rows, DateTimeOffset now)
    {
        List<string> head = [.. Title(columns, now), .. Troubles(columns)];
        if (rows >= FewRows && state.All.Count > 0)
            head.AddRange(MemorySummary.Sums(new MemoryTotal(state.Shown), SizeUnit.Human).SelectMany(line => SafeText.Wrap(line, columns)).Take(4));
        if (rows >= FewRows)
            head.Add("");
        Func<MemoryLine, string>? place = state.Hosts.Count > 1 ? state.PlaceOf : null;
        MemoryTable table = new(state.Shown, SizeUnit.Human, hasColour, columns, place), plain = new(state.Shown, SizeUnit.Human, hasColour: false, columns, place);
        head.Add(table.Heading);

        int room = Math.Max(1, rows - head.Count - 1);
        state.RowsPerPage = room;
        int chosen = state.Selected;
        _first = Math.Clamp(_first, Math.Max(0, chosen - room + 1), chosen);
        _first = Math.Max(0, Math.Min(_first, state.Shown.Count - room));
        List<string> lines = head;
        for (int row = _first; row < _first + room; row++)
            lines.Add(row >= state.Shown.Count ? "" : row == chosen ? Mark(plain.Row(state.Shown[row]), columns) : table.Row(state.Shown[row]));
        lines.Add(TableRow.Cut(Foot(), columns));
        return lines;
    }

    private IEnumerable<string> Title(int columns, DateTimeOffset now)
    {
        string shown = state.Shown.Count == state.All.Count ? "" : $"{state.Shown.Count} of ";
        shown += state.All.Count == 1 ? "1 guest" : $"{state.All.Count} guests";
        string filter = state.Filter.Length > 0 && !state.IsTyping ? $"  filter: {SafeText.Escape(state.Filter)}" : "";
        yield return TableRow.Cut(
            string.Create(CultureInfo.InvariantCulture, $"ballast top  {now:HH:mm:ss}  {shown}  by {state.Order.Name}{filter}{Where()}"), columns);
    }

    private string Where() => state.Hosts.Count == 1 ? $"  {SafeText.Escape(state.Hosts[0].Name)}" : "";

    private IEnumerable<string> Troubles(int columns)
    {
        foreach (HostFollower host in state.Hosts)
        {
            string? trouble = state.TroubleOf(host) is { } why ? $"{host.Name}: {why}; trying again"
                : !state.HasAnswered(host) ? $"{host.Name}: connecting"
                : null;
            if (trouble is null)
                continue;

            // Two lines tell enough, and leave room for the others.
            foreach (string line in SafeText.Wrap(SafeText.Escape(trouble), columns).Take(2))
                yield return hasColour ? $"\e[31m{line}{TableRow.Plain}" : line;
        }
    }

    private string Foot() => state.IsTyping
        ? $"filter: {SafeText.Escape(state.Filter)}_  (Enter: done, Esc: all)"
        : "q quit  ? help  Enter details  / filter  < > sort";

    private static string Mark(string row, int columns) => $"{Chosen}{row}{new string(' ', Math.Max(0, columns - SafeText.Width(row)))}{TableRow.Plain}";

    private static IEnumerable<string> Help(int columns)
    {
        int width = TopKeys.All.Max(key => key.Key.Length);
        foreach ((string key, string meaning) in TopKeys.All)
        {
            if (columns >= width + 30)
            {
                foreach ((string line, int number) in SafeText.Wrap(meaning, columns - width - 2).Select((line, number) => (line, number)))
                    yield return $"{(number == 0 ? key : "").PadRight(width)}  {line}";
                continue;
            }

            foreach (string line in SafeText.Wrap($"{key}: {meaning}", columns))
                yield return line;
        }
    }
}
