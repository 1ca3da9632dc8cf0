using System.Text;

namespace Ballast.Cli.Top;

/// <summary>A row of bars, from nothing to the largest of them.</summary>
internal static class Chart
{
    private const int Steps = 8;
    private const string Blocks = " ▁▂▃▄▅▆▇█";

    /// <summary>The lines from top to bottom.</summary>
    /// <param name="values">Oldest first; what is not a number has no bar. What has no room is joined with what is beside it.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Lines.</param>
    public static IReadOnlyList<string> Lines(IReadOnlyList<float> values, int width, int height)
    {
        float[] bars = Join(values, Math.Max(1, width));
        float largest = bars.Where(bar => !float.IsNaN(bar)).DefaultIfEmpty(0).Max();
        List<string> lines = [];
        for (int row = height - 1; row >= 0; row--)
        {
            StringBuilder line = new();
            foreach (float bar in bars)
            {
                int full = float.IsNaN(bar) || largest <= 0 ? 0 : (int)Math.Round(bar / largest * height * Steps);

                // What is there is seen, be it ever so small.
                if (full == 0 && bar > 0)
                    full = 1;
                _ = line.Append(Blocks[Math.Clamp(full - (row * Steps), 0, Steps)]);
            }

            lines.Add(line.ToString().TrimEnd());
        }

        return lines;
    }

    private static float[] Join(IReadOnlyList<float> values, int width)
    {
        if (values.Count <= width)
            return [.. values];
        float[] bars = new float[width];
        for (int i = 0; i < width; i++)
        {
            int from = i * values.Count / width, to = (i + 1) * values.Count / width;
            bars[i] = Enumerable.Range(from, to - from).Select(at => values[at]).Where(value => !float.IsNaN(value)).DefaultIfEmpty(float.NaN).Max();
        }

        return bars;
    }
}
