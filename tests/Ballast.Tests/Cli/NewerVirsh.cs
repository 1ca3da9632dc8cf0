namespace Ballast.Tests.Cli;

/// <summary>Ballast does what the virsh of libvirt 9.0 does. These are the cases where that of 11.3 does something else, and what.</summary>
internal static class NewerVirsh
{
    private const string Version = "it tells its own version", Dashes = "what begins with two dashes is always an option", OneMissing = "only the first missing option is named, by its place",
        Tables = "a table may have UUIDs", Clusters = "processors have clusters";

    public static Version Since { get; } = new(11, 3);

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
    };
}
