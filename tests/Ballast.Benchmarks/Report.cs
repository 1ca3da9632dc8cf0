using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>Results as Markdown, shown as they come.</summary>
internal sealed class Report
{
    private readonly StringBuilder _text = new();

    /// <summary>What the figures hold for, and how they are made again.</summary>
    public async Task DescribeHostAsync(string benchmark, string? output)
    {
        Write("# Benchmarks");
        Write($"\nMade by `dotnet run --project tests/Ballast.Benchmarks -c Release -- {benchmark}{(output is null ? "" : $" --output {output}")}`.");
        Write("Sides of a table are measured in turn, round by round, on a machine that may be busy: only ratios carry elsewhere.");
        Rows("machine | ",
            Text($"date | {DateTime.UtcNow:yyyy-MM-dd}"),
            Text($"processors | {Environment.ProcessorCount}, {ProcessorName()}; load {Load()} at the start"),
            "QEMU | " + await FirstLineAsync("qemu-system-x86_64") + ", TCG",
            "libvirt | " + await FirstLineAsync("virsh"),
            "runtime | " + RuntimeInformation.FrameworkDescription + ", " + RuntimeInformation.OSDescription);
    }

    public void Section(string name, string title) => Write($"\n## {name}\n{title}. Load at the start: {Load()}.");

    /// <summary>Sides of a comparison; ratios are to the first.</summary>
    public void Table(string where, string unit, IReadOnlyList<Samples> sides)
    {
        Write($"\n| {where} | median {unit} | smallest … largest | ratio to the first, median | smallest … largest |");
        Write("|--|--:|--:|--:|--:|");
        foreach (Samples side in sides)
        {
            var (ratio, smallest, largest) = side.RatioTo(sides[0]);
            string ratios = side == sides[0] ? "1 | " : Text($"{ratio:0.00} | {smallest:0.00} … {largest:0.00}");
            Write(Text($"| {side.Name} | {Number(side.Median)} | {Number(side.Smallest)} … {Number(side.Largest)} | {ratios} |"));
        }
    }

    public void Rows(string heading, params string[] rows)
    {
        Write($"\n| {heading} |");
        Write($"|{string.Concat(Enumerable.Repeat("--|", heading.Split('|').Length))}");
        foreach (string row in rows)
            Write($"| {row} |");
    }

    public void Note(string text) => Write($"\n{text}");

    /// <summary>What must not become slower than so many times.</summary>
    public void Limit(string what, double times, double most) =>
        Note(Text($"ballastd, {what}: {times:0.00} times; wanted: {most:0.0} at most{(times <= most ? "." : ", so it falls short.")}"));

    public static string Number(double value) =>
        value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    public override string ToString() => _text.ToString();

    private static async Task<string> FirstLineAsync(string program) =>
        (await ChildProcess.RunAsync(program, ["--version"])).Output.Split('\n')[0];

    // The average of the last minute.
    private static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    private static string ProcessorName() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1] ?? "unknown";

    private void Write(string line)
    {
        _ = _text.Append(line).Append('\n');
        Console.WriteLine(line);
    }
}
