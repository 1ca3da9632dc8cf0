using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>Ballast does what the virsh of libvirt 9.0 does. These are the cases where that of 11.3 does something else, and what.</summary>
internal static partial class NewerVirsh
{
    private const string Version = "it tells its own version", Dashes = "what begins with two dashes is always an option", OneMissing = "only the first missing option is named, by its place",
        Tables = "a table may have UUIDs", Clusters = "processors have clusters",
        Events = "there are more events", Pages = "its test driver counts from other numbers",
        Directories = "cd works without a prompt";

    public static Version Since { get; } = new(11, 3);

    /// <summary>Why the virsh that is installed does something else with a command line; null where it must not.</summary>
    public static string? WhyOtherwise(string key) => Installed.Libvirt >= Since ? Does.GetValueOrDefault(key) : null;

    /// <summary>Without the line that it adds to what dominfo says of a daemon's domain: whether it is started once with the host.</summary>
    public static string WithoutAdded(string output) => AutostartOnce().Replace(output, "");

    public static IReadOnlyDictionary<string, string> Does { get; } = new Dictionary<string, string>
    {
        ["version"] = Version,
        ["-r version"] = Version,
        ["version --daemon"] = Version,
        ["-q version --daemon"] = Version,
        ["dommemstat test ---x"] = Dashes,
        ["dommemstat test --=3"] = Dashes,
        ["dommemstat test '--_x'"] = Dashes,
        ["domstats ---"] = Dashes,
        ["domid ----6695eb01f6a4830479aa97f2502e193f"] = Dashes,
        ["setmem"] = OneMissing,
        ["setmem test"] = OneMissing,
        ["'uri; setmem; bogus'"] = OneMissing,
        ["setmaxmem"] = OneMissing,
        ["setmaxmem test"] = OneMissing,
        ["capabilities"] = Clusters,
        ["-r capabilities"] = Clusters,
        ["-q capabilities"] = Clusters,
        ["dommemstat --help=1"] = "--help may have a value",
        ["list --table --uuid"] = Tables,
        ["list --table --uuid --id"] = Tables,
        ["event --list"] = Events,
        ["event --list --timeout 0"] = Events,
        ["event --list --domain nosuch"] = Events,
        ["-q event --list"] = Events,
        ["'event --all --timeout 1; suspend test; event --list'"] = Events,
        ["freepages --all"] = Pages,
        ["freepages 0 4"] = Pages,
        ["freepages --cellno 0 --pagesize 4"] = Pages,
        ["freepages 5 4"] = Pages,
        ["freepages -1 4"] = Pages,
        ["freepages 0 5"] = Pages,
        ["freepages --all --pagesize 4"] = Pages,
        ["freepages --all --pagesize 5"] = Pages,
        ["freepages 0 4k"] = Pages,
        ["freepages 0 2M"] = Pages,
        ["freepages 0 0"] = Pages,
        ["freepages 0 2mb"] = Pages,
        ["freepages 0 4b"] = Pages,
        ["freepages 0 4097b"] = Pages,
        ["freepages 0 3G"] = Pages,
        ["freepages 0 4G"] = Pages,
        ["freepages 0 4294967295b"] = Pages,
        ["freepages 0 4294967296b"] = Pages,
        ["freepages 0 4294967295"] = Pages,
        ["freepages 2 4"] = Pages,
        ["-q freepages --all"] = Pages,
        ["-r freepages 0 4"] = Pages,
        ["cd"] = Directories,
        ["cd /"] = Directories,
        ["cd ''"] = Directories,
        ["'cd /; pwd'"] = Directories,
        ["'cd /; cd ..; pwd'"] = Directories,
        ["cd --dir /"] = Directories,
        [" < 'setmem\\nuri\\n'"] = OneMissing,
    };

    [GeneratedRegex("(?m)^Autostart Once: (disable|enable)\n")]
    private static partial Regex AutostartOnce();
}
