namespace Ballast.Tests.Cli;

internal static partial class ParityCases
{
    private static IEnumerable<ParityCase> Events =>
    [
        .. new[]
        {
            "", "--list", "--all --timeout 1", "lifecycle --timeout 1", "lifecycle", "test", "--loop", "--timestamp", "--domain", "--event", "--timeout", "bogus",
            "--event bogus", "--event lifecycle --timeout 1 --loop", "--all --event lifecycle", "--all --domain nosuch", "--all --domain nosuch --timeout 0",
            "--timeout 0 --all", "--timeout -1 --all", "--timeout abc --all", "--all x", "--list --all", "--list --event bogus", "--list --timeout 0",
            "--list --domain nosuch", "--list --event lifecycle --all", "--list x y", "--event reboot,lifecycle --timeout 1", "--event bogus --timeout 0",
            "--event bogus --domain nosuch", "--timestamp --timeout 1 --all", "test --event lifecycle --timeout 1", "test lifecycle 1", "--all --timeout 99999999",
            "--all --timeout 2147484", "--event lifecycle --event reboot", "--event= --timeout 1", "--event rtc-change --timeout 1", "nosuch lifecycle 1",
            "test balloon-change 1 x", "--all --bogus",
        }.Select(arguments => Words(["event", .. Split(arguments)])),
        Case("-q event --list"), Case("-r event --all --timeout 1"), Case("-q event test reboot 1"),
        Line("event --all --timeout 1; suspend test; event --list"), Line("destroy test; event --all --domain test --timeout 1"),
    ];

    private static IEnumerable<ParityCase> Counters =>
    [
        .. new[]
        {
            "", "nosuch", "nosuch vda", "test", "test --human", "test nosuch", "test vda x", "test --device", "test --device=", "test --device vda vdb",
        }.Select(arguments => Words(["domblkstat", .. Split(arguments)])),
        .. new[] { "test vda", "test --device vda --human", "test /guest/diskimage1", "1 vda" }.Select(arguments => Words(["domblkstat", .. Split(arguments)])),
        Words("domblkstat", "test", ""), Case("-q domblkstat test vda"), Case("-r domblkstat test vda --human"),
        .. new[]
        {
            "", "nosuch", "nosuch --start -1", "test", "test --total", "test --start 0 --count 1", "test --start 1", "test --start 2", "test --start 5",
            "test --start -1", "test --count 0", "test --count -1", "test --count 99", "test --start abc", "test --start 1 --count 5", "test --total --start 1",
            "test --total --count 1", "test --total --start 0 --count 0", "test 1", "test 0 1", "test 0 1 2", "test --start 4294967295", "test --count 129",
            "test --total --count -1", "test --start", "test --bogus",
        }.Select(arguments => Words(["cpu-stats", .. Split(arguments)])),
        Line("destroy test; list --all --id"), Line("destroy test; list --all --id --uuid"), Line("destroy test; list --all --name --id"),
        Case("vcpupin test --vcpu -0"), Case("cpu-stats test --start -0"), Case("freecell -0"),
        Case("-q cpu-stats test"), Case("-r cpu-stats 1"),
        .. new[]
        {
            "", "--all", "0", "0 4", "--cellno 0 --pagesize 4", "--pagesize 4", "5 4", "-1 4", "0 5", "abc 4", "0 abc", "--all --cellno 0", "--all --pagesize 4",
            "--all --pagesize 5", "0 4k", "0 2M", "0 -1", "0 0", "0 2mb", "0 4 x", "0 4b", "0 4097b", "1 1G", "0 3G", "0 4G", "0 4294967295b", "0 4294967296b",
            "0 4294967295", "--all --pagesize abc", "2 4", "0 99999999999999999999", "0 8T", "--all x", "--cellno 0", "--pagesize x", "--all 0 4", "--cellno", "0 4x",
        }.Select(arguments => Words(["freepages", .. Split(arguments)])),
        Case("-q freepages --all"), Case("-r freepages 0 4"),
    ];

    private static IEnumerable<ParityCase> Jobs =>
    [
        .. new[]
        {
            "", "nosuch", "test", "test --completed", "test --anystats", "test --rawstats", "test --keep-completed", "test --completed --keep-completed",
            "test --anystats --rawstats", "test x", "nosuch --keep-completed", "test --bogus",
        }.Select(arguments => Words(["domjobinfo", .. Split(arguments)])),
        Case("-q domjobinfo test --rawstats"), Case("-r domjobinfo test"),
        .. new[]
        {
            "", "nosuch", "test", "test --seconds 0", "test --seconds 61", "test --seconds -1", "test --seconds abc", "test --mode page-sampling", "test --mode dirty-bitmap",
            "test --mode dirty-ring", "test --mode x", "nosuch --mode x", "nosuch --seconds abc", "test --seconds abc --mode x", "test 5", "test 5 dirty-ring", "test 5 x",
            "test --mode=page-sampling,dirty-ring", "test 1 page-sampling x", "test --seconds", "test --bogus",
        }.Select(arguments => Words(["domdirtyrate-calc", .. Split(arguments)])),
        Case("-r domdirtyrate-calc test"), Words("domdirtyrate-calc", "test", "--mode", ""),
        .. new[]
        {
            "", "nosuch", "test", "1", "test --live", "test --config", "test --current --live", "test --current --config", "nosuch --live --config", "nosuch --weight abc",
            "test --bogus", "nosuch weight=5", "test --weight", "test --current --live --weight 5",
        }.Select(arguments => Words(["schedinfo", .. Split(arguments)])),
        .. new[]
        {
            "test --weight 5", "test --cap 5", "test --weight abc", "test weight=5", "test --set weight=5", "test a=1 b=2", "test x", "test --set weight", "test --weight 5 --config",
        }.Select(arguments => Words(["schedinfo", .. Split(arguments)]) with { Difference = Differences.ReadsOnly }),
        .. new[] { "test --current", "test --live --config" }
            .Select(arguments => Words(["schedinfo", .. Split(arguments)]) with { Difference = Differences.FlagsOfNothing }),
        Case("-q schedinfo test"), Case("-r schedinfo test"),
        Line("destroy test; cpu-stats test; domblkstat test vda; schedinfo test; domjobinfo test; domdirtyrate-calc test"),
    ];
}
