namespace Ballast.Tests.Cli;

internal static partial class ParityCases
{
    private static IEnumerable<ParityCase> Host =>
    [
        .. from command in new[] { "hostname", "capabilities", "sysinfo", "nodeinfo", "maxvcpus", "nodecpumap", "nodecpustats", "nodememstats", "freecell" }
           from arguments in new[] { "", "--bogus", "x y", "-- --" }
           select Words([command, .. Split(arguments)]),
        .. from command in new[] { "hostname", "capabilities", "sysinfo", "nodeinfo", "nodecpumap --pretty", "nodememstats", "freecell --all" }
           from option in new[] { "-r", "-q" }
           select Words([option, .. Split(command)]),
        .. new[] { "--type kvm", "--type=qemu", "kvm", "bogus", "--type", "--type=", "x y", "--type kvm --type qemu" }
            .Select(options => Words(["maxvcpus", .. Split(options)])),
        .. new[]
        {
            "0", "1", "2", "5", "-1", "abc", "99999999999", "2147483647", "--cellno 0", "--cellno=1", "--cellno", "--cellno=", "--all", "--all 0",
            "--all --cellno abc", "--cellno -1", "-- -1", "0 1", "+1", "0x1", "--all --all",
        }.Select(options => Words(["freecell", .. Split(options)])),
        .. new[] { "0", "-1", "-2", "5", "abc", "--cell 0", "--cell=-1", "--cell", "--cell=", "0 1", "99999999999" }
            .Select(options => Words(["nodememstats", .. Split(options)])),
        .. new[]
        {
            "0", "-1", "-2", "5", "abc", "--cpu 0", "--cpu=-1", "--cpu", "--cpu=", "0 1", "99999999999", "--percent", "3 --percent",
            "-2 --percent", "abc --percent", "--percent=1",
        }.Select(options => Words(["nodecpustats", .. Split(options)])),
        Case("nodecpumap --pretty"), Case("nodecpumap x"), Line("hostname;hostname"), Words("maxvcpus", ""), Words("freecell", ""),
    ];

    private static IEnumerable<ParityCase> Devices =>
    [
        .. from command in new[] { "domblklist", "domiflist" }
           from arguments in new[] { "test", "1", "nosuch", "", "test --inactive", "test x", "test --bogus", "--domain test" }
           select Words([command, .. Split(arguments)]),
        Case("domblklist test --details"), Case("domblklist --details --inactive test"), Case("-q domblklist test"), Case("-q domblklist test --details"),
        Case("-q domiflist test"), Case("domiflist test --details"), Case("-r domiflist test"),
        Line("destroy test; domblklist test; domblklist test --details; domiflist test; domiflist test --inactive"),
    ];

    private static IEnumerable<ParityCase> Xml =>
    [
        .. new[]
        {
            "test", "1", "nosuch", "", "test --inactive", "test --security-info", "test --migratable", "test --update-cpu", "test --wrap",
            "test --inactive --migratable --security-info", "test /domain", "test --xpath", "test --xpath //disk --xpath //name", "test --xpath=//name",
            "test --wrap --xpath", "nosuch --xpath [", "test --inactive --inactive", "test --bogus",
        }.Select(arguments => Words(["dumpxml", .. Split(arguments)])),
        .. from expression in new[]
           {
               "/domain/name", "//source", "//disk", "//disk|//interface", "/domain", "/", "..", ".", "name", "//@type", "//name/text()",
               "string(/domain/name)", "count(//disk)", "true()", "//nosuch", "//disk/*", "//disk/node()", "//comment()", "//os/type|//os",
               "//disk/@device/..", "//*[contains(name(),'addr')]", "/processing-instruction()", "id('x')", "devices/disk/target",
               "//address[1]/ancestor::*[name()!='domain']", "//on_crash/preceding-sibling::*[1]", "(//address)[2]", "//disk/address/preceding::*",
               "/domain/@id | //source/@file", "//address/@bus", "//name[.='test']", "devices/*[last()]", "//disk/target/following::*", "//source/..",
               "//*[starts-with(@type,'p')]", "//@*[.='virtio']", "//devices/*[position() mod 2 = 1]", "//*[not(*) and not(text())]",
               "//memory[@unit='KiB' and number(.) > 1000]", "//*[string-length(name()) = 2]", "self::domain/@id",
           }
           from wrap in new[] { "", "--wrap" }
           select Words(["dumpxml", "test", "--xpath", expression, .. Split(wrap)]),
        .. new[] { "///", "//[", "bogus()", "foo:bar", "$foo", "//*[", "current()" }
            .Select(expression => Words("dumpxml", "test", "--xpath", expression) with { Difference = Differences.XPathErrors }),
        Words("dumpxml", "test", "--xpath", "") with { Difference = Differences.XPathErrors },
        Case("-r dumpxml test"), Case("-r dumpxml test --security-info"), Case("-r dumpxml test --migratable"), Case("-q dumpxml test --inactive"),
        Line("destroy test; dumpxml test; dumpxml test --inactive --xpath //name"), Line("setmem test 1g; dumpxml test; dumpxml test --inactive"),
    ];

    private static IEnumerable<ParityCase> Processors =>
    [
        .. new[]
        {
            "", "--maximum", "--active", "--live", "--config", "--current", "--maximum --live", "--maximum --config", "--active --live", "--active --config",
            "--maximum --active", "--live --config", "--current --live", "--current --config", "--maximum --current", "--active --current",
            "--guest --config", "--live --config --maximum --active", "--guest --config --live", "--maximum --active --current --live",
            "--guest --config --current --active", "--current --config --maximum", "--bogus", "x",
        }.Select(options => Words(["vcpucount", "test", .. Split(options)])),
        Case("vcpucount"), Case("vcpucount nosuch"), Case("vcpucount nosuch --guest --config"), Case("-r vcpucount 1"), Case("-q vcpucount test"),
        .. new[] { "--guest", "--guest --live", "--guest --maximum", "--guest --current" }
            .Select(options => Words(["vcpucount", "test", .. Split(options)])),
        Line("destroy test; vcpucount test; vcpucount test --live; vcpucount test --config; vcpucount test --current --maximum"),
        .. new[] { "", "nosuch", "test x", "test --bogus", "test --pretty --pretty" }.Select(arguments => Words(["vcpuinfo", .. Split(arguments)])),
        .. new[]
        {
            "", "nosuch", "nosuch 0", "nosuch --vcpu abc", "test --vcpu abc", "test --vcpu -1", "test --vcpu", "test --vcpu=", "test --vcpu 4294967296",
            "test --config --live", "test --current --live", "test --current --config", "nosuch --live --config", "test --cpulist 0",
            "nosuch --cpulist 0", "test --cpulist 0 --live --config", "nosuch --vcpu 0 --cpulist x", "test 0 0 0", "test 5 0", "test 100 0,1",
        }.Select(arguments => Words(["vcpupin", .. Split(arguments)])),
        .. new[] { "test 0 0", "test 0 r", "test 0 abc", "test --vcpu 0 --cpulist 0-1 --config" }
            .Select(arguments => Words(["vcpupin", .. Split(arguments)]) with { Difference = Differences.ReadsOnly }),
        .. new[]
        {
            "vcpuinfo test", "vcpuinfo test --pretty", "vcpupin test", "vcpupin test 0", "vcpupin test 7", "vcpupin test --config", "vcpupin test --live",
            "-q vcpupin test",
        }.Select(Case),
    ];

    private static IEnumerable<ParityCase> MemoryLimits =>
    [
        .. new[]
        {
            "", "test", "test 5", "test 5 --live", "test 5 --config", "test 5 --current", "test 5 --live --config", "test 5 --current --live",
            "test 5 --current --config", "test abc", "test abc --current --live", "test 9g --live", "test 1b", "nosuch 5", "nosuch abc",
            "nosuch 5 --current --live", "test 99999999999999999 --config", "test --kilobytes 5", "test 5x", "test --size=5 6", "test 5 6",
        }.Select(arguments => Words(["setmaxmem", .. Split(arguments)])),
        .. new[] { "5", "5 --live", "5 --config", "5 --current", "5 --live --config", "3g", "9g", "1025b", "abc", "16E" }
            .Select(arguments => Line($"destroy test; setmaxmem test {arguments}; dominfo test; dumpxml test")),
        Line("destroy test; setmaxmem test 9g; setmem test 9g --config; dominfo test"),
        Line("setmaxmem test 1g --config; dumpxml test --inactive; dominfo test"),
        .. new[] { "setmaxmem test 0", "setmaxmem test 0 --config", "-r setmaxmem test 5", "-r setmaxmem test 0", "setmaxmem test 18446744073709551615b" }
            .Select(words => Case(words) with { Difference = Differences.OlderFunction }),
        .. new[] { "", "nosuch", "nosuch --hard-limit 5", "nosuch --current --live", "test --current --config", "test --bogus", "test 1 2 3 4 5" }
            .Select(arguments => Words(["memtune", .. Split(arguments)])),
        .. new[] { "test --hard-limit 5", "test 5", "test --soft-limit -1", "test --swap-hard-limit 1G --live" }
            .Select(arguments => Words(["memtune", .. Split(arguments)]) with { Difference = Differences.ReadsOnly }),
        Line("destroy test; memtune test; memtune test --config; vcpupin test; vcpupin test --live; vcpupin test 5; vcpuinfo test; vcpuinfo test --pretty"),
        .. new[] { "memtune test", "memtune test --live", "memtune test --live --config", "memtune test --config", "memtune test --current", "-q memtune test", "-r memtune 1" }
            .Select(Case),
    ];
}
