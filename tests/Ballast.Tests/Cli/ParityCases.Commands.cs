namespace Ballast.Tests.Cli;

internal static partial class ParityCases
{
    private static IEnumerable<ParityCase> Numbers =>
    [
        .. new[]
        {
            "-1", "0", "-0", "+5", "0x10", "010", "2147483647", "2147483648", "4294967295", "4294967296", "99999999999",
            "99999999999999999999", "-2147483648", "-2147483649", " 5", "5 ", "\t7", "abc", "5x", "1.5", "+", "-", "+-5", "--5", "",
        }.Select(number => Words("dommemstat", "test", "--period", number)),
        Case("dommemstat test --period=-1"), Case("dommemstat nosuch --period abc"),
        .. new[]
        {
            "1", "2", "01", "+1", " 1", "1 ", "0x1", "-1", "-0", "1.0", "2147483647", "2147483648", "4294967295", "4294967297", "9999999999999",
        }.Select(id => Words("domname", id)),
        Words("domname", "\n1"), Words("domname", "1\n") with { Difference = Differences.EscapedText },
    ];

    private static IEnumerable<ParityCase> Sizes =>
    [
        .. new[]
        {
            "", "0", "00", "1", "1k", "1K", "1KiB", "1kib", "1KB", "1kb", "1kB", "1b", "1B", "1byte", "1bytes", "1BYTES", "1025b",
            "1m", "1MiB", "1MB", "1g", "1GB", "8g", "9g", "1t", "1p", "1e", "7e", "8e", "15e", "16E", "16EB", "18EB", "19EB", "1z", "5x",
            "1.5G", "1kk", "1ki", "1kibi", "1 k", " 1k", "1k ", "+1", "-1", "-5k", "-0", "0x10", "0x10k", "010", "2147483647", "2147483648",
            "4294967296", "99999999999", "8388608", "8388609", "8589934592b", "8589934593b", "9007199254740990", "9007199254740991",
            "18014398509481983", "18014398509481984", "18014398509481983k", "9223372036854775807b", "18446744073709550592b",
            "18446744073709550593b", "18446744073709551615", "18446744073709551616", "18446744073709551615b",
            "99999999999999999999999k", "abc", "k", "bytes", "5K B", "5é", "- 5", "+-5", "\t5", "5bb", "5kbb", "5byt", "5kbytes", "0k", "0b",
        }.Select(size => Words("setmem", "test", size)),
        Case("setmem test --size=-1"), Case("setmem test --size -1"), Case("setmem test --kilobytes 1024"), Case("setmem test --kilobytes=5x"),
        Case("setmem test 1024 --live"), Case("setmem test 1024 --config"), Case("setmem test 1024 --current"),
        Case("setmem test 1024 --live --config"), Case("setmem test 1024 --live --current"), Case("setmem test 1024 --config --current"),
        Case("setmem test 1024 --live --config --current"), Case("setmem nosuch 5x"), Case("setmem nosuch 5"),
        Case("setmem nosuch 5 --current --live"), Case("setmem test 0 --config"), Case("setmem test 0 --live --config"),
        Case("setmem test 9g --config"), Words("setmem", "", "5"),
        Line("setmem test 1025b; dommemstat test"), Line("setmem test 1GB; dommemstat test"), Line("setmem test 3m; dominfo test"),
        Case("dommemstat test --period 5 --live"), Case("dommemstat test --period 5 --config"), Case("dommemstat test --period 5 --current"),
        Case("dommemstat test --period 5 --live --config"), Case("dommemstat test --period 5 --current --live"),
        Case("dommemstat test --period 5 --current --config"), Case("dommemstat test --current --config"), Case("dommemstat test --current"),
        Case("dommemstat test --current --live --config"), Case("dommemstat test --live --config"), Case("dommemstat nosuch --current --live"),
    ];

    private static IEnumerable<ParityCase> Names =>
    [
        .. from command in new[] { "domid", "domname", "domuuid", "domstate", "dominfo", "dommemstat", "domstats" }
           from name in new[]
           {
               "test", "1", "7", "nosuch", "", Uuid, Uuid.ToUpperInvariant(), Uuid.Replace("-", "", StringComparison.Ordinal), $"{{{Uuid}}}",
               Uuid[..^1] + "e", "é",
           }
           select Words(command, name),
        .. new[] { "domid", "domname", "domuuid", "domstate", "dominfo" }.Select(command => Words(command)),
        .. new[]
        {
            "6695eb01f6a4830479aa97f2502e193f----", "----6695eb01f6a4830479aa97f2502e193f", "    6695eb01f6a4830479aa97f2502e193f",
            "6695eb01f6a4830479aa97f2502e193f    ", "  6695eb01f6a4830479aa97f2502e193f--", "6695eb01-f6a4-8304-79aa97f2502e193f-",
            "6695eb01f6a4  830479aa97f2502e193f--", "6695-eb01-f6a4-8304-79aa97f2502e193f", "6-695eb01f6a4-8304-79aa97f2502e193f",
            "6695eb01f6a4--8304-79aa97f2502e193fx", "6695eb01-f6a4-8304-79aa-97f2502e193g",
        }.Select(uuid => Words("domid", uuid)),
        Case("domstate test --reason"), Case("domstate 1 --reason"), Case("-q dominfo test"), Case("dommemstat --domain 1"),
        Case("uri"), Case("version"), Case("version --daemon"), Case("-q version --daemon"),
    ];

    private static IEnumerable<ParityCase> Listing =>
    [
        .. new[]
        {
            "", "--all", "--inactive", "--all --inactive", "--transient", "--persistent", "--transient --persistent", "--with-snapshot",
            "--without-snapshot", "--with-checkpoint", "--without-checkpoint", "--with-checkpoint --without-checkpoint", "--state-running",
            "--state-paused", "--state-shutoff", "--state-other", "--state-running --inactive", "--state-shutoff --state-running",
            "--state-shutoff --all", "--autostart", "--no-autostart", "--with-managed-save", "--without-managed-save", "--uuid", "--name",
            "--id", "--table", "--managed-save", "--title", "--title --managed-save", "--uuid --name", "--uuid --id", "--name --id",
            "--uuid --name --id", "--table --uuid", "--table --name", "--table --id", "--table --uuid --name", "--table --uuid --id",
            "--title --name", "--title --table", "--table --title --name", "--inactive --name", "--inactive --id", "--inactive --uuid",
            "--all --name", "--managed-save --inactive", "--title --inactive",
        }.Select(options => Words(["list", .. Split(options)])),
        Case("-q list"), Case("-q list --inactive"), Case("-q list --title"), Case("-q list --uuid --name"), Case("-q list --table --id"),
    ];

    private static IEnumerable<ParityCase> Statistics =>
    [
        .. new[]
        {
            "", "test", "test test", "--domain test", "--domain=test", "--domain=test --domain=test", "--domain test test", "nosuch",
            "test nosuch", "--domain=", "1", Uuid, "--state", "--cpu-total", "--balloon", "--vcpu", "--interface", "--block", "--perf",
            "--iothread", "--memory", "--dirtyrate", "--vm", "--state --balloon", "--state --iothread", "--raw", "--raw --state", "--enforce",
            "--enforce --state", "--enforce --balloon", "--enforce --balloon --vcpu", "--enforce --cpu-total test", "--enforce --iothread",
            "--enforce --vm --dirtyrate --memory --perf", "--backing", "--nowait", "--list-active", "--list-inactive", "--list-persistent",
            "--list-transient", "--list-running", "--list-paused", "--list-shutoff", "--list-other", "--list-active test",
            "--list-inactive test", "--list-transient test", "--list-active --list-inactive", "test --list-inactive",
            "test --state test --balloon", "--block --backing", "--state --cpu-total --balloon --vcpu --interface --block --perf",
        }.Select(options => Words(["domstats", .. Split(options)])),
        Words("domstats", ""), Case("-q domstats"), Case("-q domstats test test"), Case("-q domstats --list-inactive"),
    ];

    private static IEnumerable<ParityCase> Help =>
    [
        .. new[]
        {
            "help", "help dommemstat", "help --command dommemstat", "help --command=dommemstat x", "help uri --bogus", "help --bogus uri",
            "help --bogus=3 uri", "help -- uri", "help --help", "help uri --help", "help --command=", "dommemstat test --help",
            "dommemstat --help", "setmem --help", "uri --help --help", "list --all --help", "help --command uri --command list",
            "help list uri",
        }.Select(words => Case(words) with { Difference = Differences.HelpText }),
        Line("uri;uri --help") with { Difference = Differences.HelpText }, Words("help", "") with { Difference = Differences.HelpText },
        Case("help bogus"), Case("help -x"), Line("help bogus; uri"), Case("help --command"), Line("help uri; bogus"), Words("help", "x;uri"),
        Case("help x --command uri"), Case("help x --command --command"), Case("help x --command=3 y"), Line("help x --command uri; uri"),
        Line("help --command x --command \""), Case("help bogus-group"),
        .. new[] { "help domain", "help monitor", "help host", "help virsh" }.Select(words => Case(words) with { Difference = Differences.HelpText }),
        .. new[] { "help network", "help pool", "help net-list", "help snapshot x" }.Select(words => Case(words) with { Difference = Differences.OutOfScope }),
    ];

    private static IEnumerable<ParityCase> Additions =>
    [
        .. new[] { "dommemstat test --json", "dommemstat test --extended", "dommemstat test --refresh", "domstats --json", "list --json" }
            .Select(words => Case(words) with { Difference = Differences.AddedOption }),
        .. new[] { "cpu-stats test", "freepages" }.Select(words => Case(words) with { Difference = Differences.MissingCommand }),
        .. new[] { "net-list", "pool-list --all", "snapshot-list test", "define x", "start test", "net-info" }.Select(words => Case(words) with { Difference = Differences.OutOfScope }),
        Line("uri; vol-list default-pool; bogus") with { Difference = Differences.OutOfScope },
    ];

    private static string[] Split(string options) => options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
