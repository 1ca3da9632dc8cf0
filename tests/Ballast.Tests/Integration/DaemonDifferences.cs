using System.Globalization;
using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The whole list of what virsh prints otherwise of ballastd than of a libvirtd that looks at the same QEMU.</summary>
internal static class DaemonDifferences
{
    public const string Name = "twice";

    private const string NoGroups = "The private libvirtd has no control groups; ";
    private const string Limits = @"\Ahard_limit\s*: (unlimited|\d+)\s+soft_limit\s*: (unlimited|\d+)\s+swap_hard_limit\s*: (unlimited|\d+)\s*\z";
    private const string Scheduler = @"\AScheduler\s*: posix\s*\z";
    private const string NoReboot = "cannot be rebooted from outside; use reset, or reboot inside the guest";
    private const string Starts = "libvirt keeps a QEMU whose guest shut down, and starts it anew.";

    /// <summary>What is made equal on both sides, each with its reason.</summary>
    public static readonly (string Pattern, string Replacement, string Reason)[] Normalisations =
    [
        (@"(?m)^( *)[0-9]+( +twice)", "$1ID$2", "libvirt counts domains, ballastd gives QEMU's process id."),
        (@"(?m)^(Id: +)[0-9]+", "$1ID", "The same."),
        (@" +", " ", "Columns are as wide as the id."),
        (@"-{5,}", "---", "So are their lines."),
        (@"(?m)^(CPU time: +)[0-9.]+s", "$1N s", "It goes on between two looks."),
        (@"(?m)^(.*rss[= ])[0-9]+", "$1N", "The process's own memory moves."),
        (@"(?m)^((usage|kernel|user|system|idle|iowait|total|free|buffers|cached)\s*:\s*)[0-9]+(\.[0-9]+%)?", "$1N", "The host goes on between two looks."),
        (@"(?m)^(CPU: +)[0-9]+", "$1N", "A guest's processor moves between the host's."),
        (@"(?m)^(\s+(cpu|user|system)_time\s+)[0-9.]+( seconds)", "$1N$3", "The same."),
        (@"(?m)^( (cpu\.(time|user|system)|vcpu\.[0-9]+\.(time|wait|delay))=)[0-9]+", "$1N", "Time goes on between two looks."),
        (@"(dirtyrate\.calc_start_time=)[0-9]+", "$1N", "When it began, on the host's clock."),
        (@"(?m)^ block\.[0-9]+\.(backingIndex|physical)=.*\n", "", "What libvirt knows from its own state and the host's file systems."),
        (@"(?m)^( block\.[0-9]+\.name=).*", "$1NAME", "QEMU tells its own name of a device, libvirt's target name is libvirt's alone."),
        (@"(?m)^Autostart Once: .*\n", "", "virsh has it since 11.2, by a call that came with it."),
        (@"(?m)^Messages:.*\n( tainted:.*\n)*", "", "What taints a domain is libvirt's own knowledge of how it started it."),
        (@"(?m)^(Total:|4KiB:| *[0-9]+:) [0-9]+", "$1 N", "The host's memory moves between two looks."),
        (@" cluster_id=""[0-9]+""", "", "libvirt tells clusters of processors since 10.1; ballastd tells what 9.0 does."),
        (@"(Running against daemon: )(9|1[0-9])\.[0-9]+\.[0-9]+", "$1N", "ballastd answers as the libvirt does whose calls it has."),
        (@"(?m)^Security model: .*\n(Security DOI: .*\n)?", "", "The private libvirtd has a security driver by name; ballastd has none."),
    ];

    /// <summary>What is answered otherwise as a whole: the command, what ballastd prints, and why.</summary>
    public static IEnumerable<(string Line, string Ours, string Reason)> Own(string name) =>
    [
        .. from options in (string[])["", " --live", " --current"] select ($"schedinfo {name}{options}", Scheduler, NoGroups + "ballastd tells the scheduler, and has no parameters of it."),
        ($"-r schedinfo {name}", Scheduler, NoGroups + "the same."),
        .. from options in (string[])["", " --live", " --current"] select ($"memtune {name}{options}", Limits, NoGroups + "ballastd reads those that the process is in."),
        ($"-r memtune {name}", Limits, NoGroups + "the same."),
        ("maxvcpus", @"\A16\s*\z", "libvirt's function has 16 for QEMU; virsh asks libvirtd for a domain's capabilities first, which ballastd has not."),
        ("maxvcpus qemu", @"\A16\s*\z", "The same."),
        ("list --title", @"(?m)^ *\d+ +twice +running *$", "A title is libvirt's own; QEMU is not told."), ($"desc {name} --title", $"No title for domain: {name}", "The same."),
        ($"domid {name}", @"\A\d+\s*\z", "libvirt counts domains, ballastd gives QEMU's process id."),
        ($"dumpxml {name} --xpath /domain/@id", @"\A *id=.\d+.\s*\z", "The same."),
        ("uri", @"\Aqemu\+unix:///system\?socket=\S+\s*\z", "Each has its own socket."),
        ("capabilities", @"\A<capabilities>\s+<host>\s+<uuid>", "libvirt starts QEMUs, and so tells what each could do; ballastd tells the host, and that there is QEMU."),
        ($"dumpxml {name}", @$"\A<domain type=.qemu. id=.\d+.>\s+<name>{name}</name>", "Compared part by part elsewhere: what QEMU does not know, addresses and all, is not told."),
        ($"reboot {name}", NoReboot, Starts), ($"reboot {name} --mode acpi", NoReboot, Starts),
    ];

    /// <summary>What libvirt 9.0 refuses without control groups, ballastd tells, and newer libvirts tell the same.</summary>
    public static IEnumerable<(string Line, string Refusal)> RefusedOnce(string name) =>
        [($"cpu-stats {name} --total", "cgroup CPUACCT controller is not mounted")];

    public static string Normal(CommandResult result)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"exit {result.ExitCode}\n{result.Output}{result.Errors}");
        foreach ((string pattern, string replacement, _) in Normalisations)
            text = Regex.Replace(text, pattern, replacement, RegexOptions.None, TimeSpan.FromSeconds(10));
        return text;
    }
}
