using System.Globalization;
using Ballast.Balance.Simulation;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Ballast.Cli.Charts;

/// <summary>Each guest's need, balloon and stall over a simulation, one below the other, as SVG.</summary>
internal static class SimulationChart
{
    private const int Width = 900, GuestHeight = 150, HeadAndFoot = 120;

    // Of a guest's part of the height; the rest keeps it from the next.
    private const double PlotShare = 0.86;

    // Viewers' letters are wider than those that it is laid out for.
    private const int TitleDistance = 14;

    private const string Time = "time", Legend = "brown: what it needs · blue: what its balloon leaves it · red: stalled";

    private static readonly OxyColor NeedColor = OxyColor.FromRgb(0xB0, 0x5A, 0x00);
    private static readonly OxyColor BalloonColor = OxyColor.FromRgb(0x1F, 0x5F, 0xA8);
    private static readonly OxyColor StallColor = OxyColor.FromAColor(0x60, OxyColor.FromRgb(0xD0, 0x20, 0x20));

    /// <summary>Draws a run.</summary>
    /// <param name="scenario">What happened.</param>
    /// <param name="result">What came of it.</param>
    /// <param name="history">What was seen meanwhile.</param>
    /// <returns>The document, in UTF-8.</returns>
    public static byte[] Draw(Scenario scenario, SimulationResult result, SimulationHistory history)
    {
        PlotModel model = new()
        {
            Title = string.Create(CultureInfo.InvariantCulture, $"{result.Policy}, a decision each {result.Period} s: mean stall {result.StallPercent:F1} %"),
            Subtitle = $"{scenario.About}{(scenario.About.Length > 0 ? " · " : "")}{Legend}",
            TitleFontSize = 15,
            SubtitleFontSize = 11,
            Background = OxyColors.White,
            Padding = new OxyThickness(18),
            AxisTierDistance = 0,
        };
        model.Axes.Add(new LinearAxis { Key = Time, Position = AxisPosition.Bottom, Minimum = 0, Maximum = scenario.Seconds, Title = "seconds" });
        for (int guest = 0; guest < scenario.Guests.Count; guest++)
            AddGuest(model, scenario, guest, result.GuestStallPercent[guest], history.Guests[guest]);

        using MemoryStream svg = new();
        new SvgExporter { UseVerticalTextAlignmentWorkaround = true, Width = Width, Height = HeadAndFoot + (GuestHeight * scenario.Guests.Count) }.Export(model, svg);
        return svg.ToArray();
    }

    private static void AddGuest(PlotModel model, Scenario scenario, int guest, double stallPercent, IReadOnlyList<SimulationMoment> moments)
    {
        // The first guest is on top.
        double height = 1.0 / scenario.Guests.Count, bottom = 1 - ((guest + 1) * height);
        string sizes = string.Create(CultureInfo.InvariantCulture, $"sizes{guest}"), stalls = string.Create(CultureInfo.InvariantCulture, $"stalls{guest}");
        LinearAxis size = Axis(
            sizes, AxisPosition.Left, string.Create(CultureInfo.InvariantCulture, $"{scenario.Guests[guest].Name}, MiB"),
            1.05 * Math.Max(scenario.Guests[guest].Maximum, moments.Max(moment => moment.Need)));
        size.MajorGridlineStyle = LineStyle.Dot;
        LinearAxis share = Axis(stalls, AxisPosition.Right, string.Create(CultureInfo.InvariantCulture, $"stall {stallPercent:F1} %"), 100);
        share.MajorStep = 50;
        model.Axes.Add(size);
        model.Axes.Add(share);
        AreaSeries stall = new() { XAxisKey = Time, YAxisKey = stalls, Fill = StallColor, Color = OxyColors.Transparent };
        LineSeries balloon = new() { XAxisKey = Time, YAxisKey = sizes, Color = BalloonColor, StrokeThickness = 1.6 };
        LineSeries need = new() { XAxisKey = Time, YAxisKey = sizes, Color = NeedColor, StrokeThickness = 1.2 };
        foreach (SimulationMoment moment in moments)
        {
            stall.Points.Add(new DataPoint(moment.Time, 100 * moment.Stall));
            balloon.Points.Add(new DataPoint(moment.Time, moment.Balloon));
            need.Points.Add(new DataPoint(moment.Time, moment.Need));
        }

        model.Series.Add(stall);
        model.Series.Add(need);
        model.Series.Add(balloon);

        LinearAxis Axis(string key, AxisPosition position, string title, double maximum) => new()
        {
            Key = key,
            Position = position,
            StartPosition = bottom,
            EndPosition = bottom + (height * PlotShare),
            Minimum = 0,
            Maximum = maximum,
            AxisTitleDistance = TitleDistance,
            Title = title,
        };
    }
}
