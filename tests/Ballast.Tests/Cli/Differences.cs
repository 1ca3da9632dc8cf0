namespace Ballast.Tests.Cli;

/// <summary>The parts of an <see cref="Outcome"/>.</summary>
[Flags]
internal enum Parts
{
    None = 0,
    Output = 1,
    Error = 2,
    ExitCode = 4,
}

/// <summary>One way in which ballast is not virsh, on purpose. Whatever is not in <paramref name="Parts"/> is equal all the same.</summary>
internal sealed record Difference(Parts Parts, string Reason);

/// <summary>The whole list of differences; <see cref="ParityTests"/> accepts no other.</summary>
internal static class Differences
{
    public static readonly Difference HelpText = new(Parts.Output,
        "Help texts are our own words.");

    public static readonly Difference ProgramVersion = new(Parts.Output,
        "-v, -V and --version tell ballast's version and parts; the command version prints libvirt's lines.");

    public static readonly Difference OwnSteps = new(Parts.Output | Parts.Error,
        "-d below 4 tells what ballast does, on standard error, where virsh tells what it does itself among the output.");

    public static readonly Difference OutOfScope = new(Parts.Output | Parts.Error | Parts.ExitCode,
        "What ballast leaves to virsh (networks, pools, snapshots, devices, migration …) it says by name.");

    public static readonly Difference MissingCommand = new(Parts.Output | Parts.Error | Parts.ExitCode,
        "Commands that belong to ballast and are not there yet are unknown commands.");

    public static readonly Difference ReadsOnly = new(Parts.Output | Parts.Error | Parts.ExitCode,
        "ballast shows pinning, memory limits and scheduler parameters and refuses to change them.");

    public static readonly Difference FlagsOfNothing = new(Parts.Output | Parts.Error | Parts.ExitCode,
        "The library asks for what is current without flags; libvirt's test driver refuses the call that has them, whatever they are.");

    public static readonly Difference XPathErrors = new(Parts.Output | Parts.Error | Parts.ExitCode,
        "virsh passes on libxml2's own lines for a wrong XPath expression and succeeds, or fails without a word for an empty one; ballast says what is wrong and fails.");

    public static readonly Difference OlderFunction = new(Parts.Error,
        "The library names libvirt's older function, virDomainSetMaxMemory, where it refuses a maximum.");

    public static readonly Difference AddedOption = new(Parts.Output | Parts.Error | Parts.ExitCode,
        "--json, --extended, --refresh, --all (of dommemstat), --force, --wait and --timeout are additions; virsh does not know them.");

    public static readonly Difference EscapedText = new(Parts.Output | Parts.Error,
        "Control characters are shown as \\xNN wherever they come from: a name must not be able to rule a terminal. virsh does so in tables only.");

    public static readonly Difference UriForms = new(Parts.Output | Parts.Error | Parts.ExitCode,
        "URIs that no driver of ours takes fail with a text of our own where virsh asks a libvirt daemon or names a file; virsh also rewrites test:/default.");

    /// <summary>Numbers that change from one run to the next, made equal on both sides.</summary>
    public static readonly (string Pattern, string Replacement, string Reason)[] Normalisations =
    [
        (@"(?m)^(CPU time: +)[0-9]+\.[0-9]s$", "$1N s", "The test driver gives the time of day for CPU time."),
        (@"(?m)^(\S+ (rd_req|rd_bytes|wr_req|wr_bytes|errs)| (number of|error count)[^:]*:) *[0-9]+$", "$1 N", "The test driver makes a disk's counters from the time of day."),
        (@"\(Time: [0-9]+\.[0-9]{3} ms\)", "(Time: N ms)", "How long a command took."),
    ];
}
