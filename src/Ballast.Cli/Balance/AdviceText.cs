using System.Globalization;
using Ballast.Balance.Advice;
using Ballast.Cli.Doctor;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Balance;

/// <summary>Advice for people.</summary>
internal static class AdviceText
{
    private const string Indent = "    ";

    // Of a large host, the first of each kind are worth reading; the rest stands in the JSON.
    private const int MostOfKind = 10;

    private const double KiBPerMib = 1024;

    // Other memory that a step frees is mentioned from this share of what the host gets back.
    private const double Mentioned = 0.25;

    private static readonly (AdviceKind Kind, string Title)[] Sections =
    [
        (AdviceKind.Take, "Take now"),
        (AdviceKind.Give, "Give now"),
        (AdviceKind.Wait, "Need more, and others have to give first"),
        (AdviceKind.Keep, "Short of memory, and nothing is advised"),
        (AdviceKind.Could, "Could be gained, if it is needed"),
        (AdviceKind.Leave, "Left alone"),
    ];

    /// <param name="advice">The advice.</param>
    /// <param name="shown">The guests to show.</param>
    /// <param name="states">What those that are paused do instead of running, by their UUIDs.</param>
    /// <param name="room">Columns of the terminal; null: as many as it takes.</param>
    /// <param name="isWhole">Whether all are shown, however many.</param>
    public static IEnumerable<string> Lines(
        HostAdvice advice, IReadOnlyList<GuestAdvice> shown, IReadOnlyDictionary<Guid, DomainStateInfo?> states, int? room, bool isWhole)
    {
        foreach (string line in Wrap(Budget(advice), "", room))
            yield return line;
        foreach ((AdviceKind kind, string title) in Sections)
        {
            GuestAdvice[] some = [.. shown.Where(guest => guest.Kind == kind && (kind != AdviceKind.Keep || guest.IsShort))];
            if (some.Length == 0)
                continue;
            yield return "";
            yield return $"{title}{Why(kind, advice)}:";
            int most = isWhole ? int.MaxValue : MostOfKind;
            foreach (string line in some.Take(most).SelectMany(guest => Guest(guest, states.GetValueOrDefault(guest.Guest.Domain.Uuid), room)))
                yield return line;
            if (some.Length > most)
                yield return string.Create(CultureInfo.InvariantCulture, $"  and {some.Length - most} more (name them, or use --json)");
        }

        yield return "";
        foreach (string line in ((string[])[Total(advice, shown), .. Unread(shown)]).SelectMany(text => Wrap(text, "", room)))
            yield return line;
    }

    public static string Outcome(AdviceOutcome outcome) => $"{outcome.Guest.Domain.Name}: {outcome.Text}";

    /// <summary>The command that follows advice; null where there is none.</summary>
    public static string? Command(GuestAdvice guest) => guest.Target is { } target
        ? ShellCommand.On(guest.Guest.Domain, "setmem", string.Create(CultureInfo.InvariantCulture, $"{target:F0}MiB --wait"))
        : null;

    /// <summary>What to do about a guest that is left alone; null where nothing is to be done.</summary>
    /// <param name="guest">Advice about it.</param>
    /// <param name="state">What it does instead of running; null where it runs, or nobody can tell.</param>
    public static Remedy? Remedy(GuestAdvice guest, DomainStateInfo? state) => guest.Remedy switch
    {
        AdviceRemedy.None => null,
        AdviceRemedy.LookAgain => new("Look again in a minute."),
        _ => Remedies.For(new MemoryLine(guest.Guest.Domain, guest.Guest.Stats, guest.Guest.MaximumKiB, Rates: null), qemu: null, state),
    };

    private static string Budget(HostAdvice advice)
    {
        string parts = advice.Host.Overhead + advice.Host.Reserve > 0
            ? $" ({Size(advice.Host.Memory)}, less {Size(advice.Host.Overhead)} in use beside them and {Size(advice.Host.Reserve)} in reserve)"
            : "";
        string pressure = advice.Memory.SomePressure is { Last60Seconds: > 0.001 } some
            ? string.Create(CultureInfo.InvariantCulture, $" Programs of the host waited for memory in {some.Last60Seconds * 100:0.0} % of the last minute.")
            : "";
        string swapped = advice.Memory is { SwapTotalKiB: { } all, SwapFreeKiB: { } free } && all > free
            ? $" The host has swapped out {HumanSize.Of(all - free, SizeUnit.Human)}."
            : "";
        double over = advice.Balloons - advice.Budget;
        return $"Guests may share {Size(advice.Budget)}{parts}. Their balloons leave them {Size(advice.Balloons)}"
            + (over >= 1 ? $", {Size(over)} too much" : "") + $"; {Size(advice.Host.Free)} of it all is in no use now.{pressure}{swapped}";
    }

    private static List<string> Guest(GuestAdvice guest, DomainStateInfo? state, int? room)
    {
        string name = SafeText.Escape(guest.Guest.Domain.Name);
        string what = guest.Kind switch
        {
            AdviceKind.Take or AdviceKind.Could => Change(guest) + Back(guest) + Steps(guest),
            AdviceKind.Give => Change(guest) + (guest.Short > 0 ? $", it lacks {Size(guest.Short)}" : ""),
            AdviceKind.Wait => $"{Size(guest.Balloon)}, it {(guest.Short > 0 ? $"lacks {Size(guest.Short)}" : "is short")}",
            AdviceKind.Keep when guest is { BoundBy: not null, AreLimitsKnown: false } => $"{Size(guest.Balloon)}, and its memory limits are unknown",
            AdviceKind.Keep when guest.BoundBy is not null => $"{Size(guest.Balloon)}, and its control group leaves it no more",
            AdviceKind.Keep when GuestShortage.IsShrunk((ulong)(guest.Balloon * KiBPerMib ?? 0), guest.Guest.MaximumKiB) =>
                $"{Size(guest.Balloon)} of {Size(guest.Guest.MaximumKiB / KiBPerMib)}, which the policy leaves as it is",
            AdviceKind.Keep => $"{Size(guest.Balloon)}; its balloon holds nothing that it could get back",
            _ => guest.Reason,
        };
        List<string> lines = [.. Wrap($"{name}: {what}", Indent, room).Select((line, i) => i == 0 ? $"  {line.TrimStart()}" : line)];
        if (guest.Kind == AdviceKind.Leave)
        {
            if (Remedy(guest, state) is not { } remedy)
                return lines;
            lines.AddRange(Wrap(remedy.Command is null ? remedy.Text : $"{remedy.Text}:", Indent, room));
            if (remedy.Command is { } mend)
                lines.Add(Indent + SafeText.Escape(mend));
            return lines;
        }

        lines.AddRange(Wrap(guest.Reason, Indent, room));
        if (guest.Cost.Length > 0)
            lines.AddRange(Wrap($"Risk {guest.Risk.Label()}: {guest.Cost}", Indent, room));
        if (guest.BoundBy is { } rule)
            lines.AddRange(Wrap(string.Create(CultureInfo.InvariantCulture, $"Guard {(int)rule}: {SafeText.Escape(guest.Bound)}"), Indent, room));
        if (Command(guest) is { } command)
            lines.Add(Indent + SafeText.Escape(command));
        return lines;
    }

    private static string Change(GuestAdvice guest) => $"{Size(guest.Balloon)} to {Size(guest.Target)}";

    // Of what the host does not hold it gets nothing back; but it need not have that ready any more, and others may have it.
    private static string Back(GuestAdvice guest)
    {
        double rest = guest.Balloon - guest.Target - guest.Gain ?? 0;
        return guest.Gain < 1 ? ", which the host does not hold now and would no longer have to keep available"
            : $", the host gets back {AtMost(guest)}{Size(guest.Gain)}" + (rest < Mentioned * guest.Gain ? "" : $", and would not have to keep another {Size(rest)} available");
    }

    private static string Steps(GuestAdvice guest) =>
        guest.PossibleGain - guest.Gain >= 1 ? $" (in all {Size(guest.PossibleGain)}, step by step)" : "";

    private static string Total(HostAdvice advice, IReadOnlyList<GuestAdvice> shown)
    {
        int Count(Func<GuestAdvice, bool> which) => shown.Count(which);
        int giving = Count(guest => guest.PossibleGain >= 1), lacking = Count(guest => guest.Short > 0), pressed = Count(guest => guest.IsShort);
        List<string> parts =
        [
            giving == 0 ? "nothing can be gained" : $"{AtMost([.. shown])}{Size(Sum(shown, guest => guest.PossibleGain))} can be gained from {Guests(giving)}, {Size(Sum(shown, guest => guest.Kind == AdviceKind.Take ? guest.Gain : 0))} of it is advised now",
            pressed == 0 ? "nobody is short" : $"{Guests(pressed)} {(pressed == 1 ? "is" : "are")} short",
        ];
        if (lacking > 0)
            parts.Add($"{Guests(lacking)} {(lacking == 1 ? "lacks" : "lack")} {Size(Sum(shown, guest => guest.Short))}");
        if (Count(guest => guest.Kind == AdviceKind.Leave) is > 0 and var alone)
            parts.Add($"{Guests(alone)} {(alone == 1 ? "is" : "are")} left alone");
        if (Count(guest => guest.Kind == AdviceKind.Keep && !guest.IsShort) is > 0 and var kept)
            parts.Add($"{Guests(kept)} {(kept == 1 ? "is as it" : "are as they")} should be");
        return shown.Count == 0 ? $"Total: no guest {(advice.Guests.Count == 0 ? "is active" : "is shown")}." : $"Total: {string.Join("; ", parts)}.";
    }

    // Who is left alone is not told to grow in any case.
    private static IEnumerable<string> Unread(IReadOnlyList<GuestAdvice> shown)
    {
        const int most = 5;
        string[] names = [.. shown.Where(guest => !guest.AreLimitsKnown && guest.Kind != AdviceKind.Leave).Select(guest => guest.Guest.Domain.Name)];
        if (names.Length == 0)
            yield break;
        string some = string.Join(", ", names.Take(most)) + (names.Length > most ? " …" : "");
        yield return $"The memory limits of {Guests(names.Length)} could not be read ({some}): the last known limits count. Without any, a guest gets no more than it has had. To have them read, run ballast or ballastd as root on the host, outside of containers.";
    }

    private static string AtMost(params GuestAdvice[] guests) => guests.All(guest => guest.IsGainCertain) ? "" : "at most ";

    private static double Sum(IEnumerable<GuestAdvice> guests, Func<GuestAdvice, double> value) => guests.Sum(value);

    private static string Guests(int count) => count == 1 ? "1 guest" : string.Create(CultureInfo.InvariantCulture, $"{count} guests");

    private static string Size(double? mib) => mib is { } size ? HumanSize.Of((ulong)Math.Round(Math.Max(0, size) * 1024), SizeUnit.Human) : HumanSize.Unknown;

    private static string Why(AdviceKind kind, HostAdvice advice) =>
        kind != AdviceKind.Take ? ""
        : advice.Short > 0 || advice.Guests.Any(guest => guest.Kind is AdviceKind.Wait or AdviceKind.Give) ? ", because others need it"
        : ", because balloons exceed what guests may share";

    private static IEnumerable<string> Wrap(string text, string indent, int? room)
    {
        string safe = SafeText.Escape(text);
        const int least = 20;
        return room is { } width && width - indent.Length >= least
            ? SafeText.Wrap(safe, width - indent.Length).Select(line => indent + line)
            : [indent + safe];
    }
}
