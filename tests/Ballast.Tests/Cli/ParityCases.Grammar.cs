namespace Ballast.Tests.Cli;

internal static partial class ParityCases
{
    private static IEnumerable<ParityCase> Grammar =>
    [
        Case("dommemstat test"), Case("dommemstat test --"), Case("dommemstat -- test"), Case("dommemstat -- test -- x"),
        Case("dommemstat --domain test"), Case("dommemstat --domain=test"), Case("dommemstat --domain="), Case("dommemstat --domain"),
        Case("dommemstat --domain --period"), Case("dommemstat --domain --period 3"), Case("dommemstat test --period"),
        Case("dommemstat test --period="), Words("dommemstat", "test", "--period", ""), Case("dommemstat test --period 3 --period 4"),
        Case("dommemstat test --live --live"), Case("dommemstat test --live --live=3"), Case("dommemstat test --domain test"),
        Case("dommemstat test test"), Case("dommemstat test --live=1"), Case("dommemstat test --live="), Case("dommemstat test --liv"),
        Case("dommemstat test --per 3"), Case("dommemstat test --nope"), Case("dommemstat test --nope=3"), Case("dommemstat test -x"),
        Case("dommemstat test -"), Case("dommemstat test ---x"), Case("dommemstat test --=3"), Case("dommemstat test --_x"),
        Case("dommemstat -x"), Case("dommemstat test -1"), Words("dommemstat", ""), Case("dommemstat"), Case("dommemstat --period 3"),
        Case("dommemstat --period 5 test"), Case("dommemstat test --period 5 --live=yes"),
        Case("setmem"), Case("setmem test"), Case("setmem test --size"), Case("setmem test --kilobytes"), Case("setmem test --kilobytes="),
        Case("setmem test --kilobytes 5 --size 6"), Case("setmem test --size 5 --kilobytes 6"), Case("setmem test --size=5 --size=6"),
        Case("setmem --size 5 test"), Case("setmem --size 5 --domain test"), Case("setmem --kilobytes 5 test"),
        Case("setmem 5 --domain test"), Case("setmem test 5 6"), Case("setmem test --size=5 6"), Case("setmem -- test 5"),
        Case("setmem test -- 5 --live"), Case("setmem --size -- 5 test"), Case("setmem test -- -1"),
        Case("list -- --all"), Case("list --all=1"), Case("list test"), Case("list --name test"), Case("list -q"),
        Case("uri uri"), Case("uri --bogus"), Words("uri", ""), Case("uri --"), Case("uri -- x"), Case("uri ; uri"), Words("uri", "#x"),
        Case("uri -q"), Case("uri -c x"), Case("version x"), Case("version --daemon=1"), Case("domstate 1 2"),
        Case("domstate test --reason=1"), Case("domstate test --reason --reason"), Case("domstate --reason"), Case("domstate --reason test"),
        Case("domstats -- --state"), Case("domstats -- -- test"), Case("domstats --domain -- --"), Case("domstats -x"), Case("domstats ---"),
        Case("domstats --state=1"), Case("domstats --bogus"), Case("domstats test --bogus"), Case("domstats --domain"),
        Case("bogus"), Case("bogus --help"), Case("-- uri"), Case("-- -x"), Case("-- --x"), Case("- uri"), Case("-"), Case("URI"), Case("ur"),
        Case("dommemstat --help=1"), Case("dommemstat --bogus --help"), Case("uri --help x"), Case("uri x --help"),
        Case("uri --help --bogus"), Case("list --all --all --help"), Case("dommemstat --help --period"),
    ];

    private static IEnumerable<ParityCase> Lines =>
    [
        Line("dommemstat \"test\""), Line("dommemstat 'test'"), Line("dommemstat 'te'st"), Line("dommemstat te\"s\"t"),
        Line("dommemstat 'test"), Line("dommemstat \"test"), Line("dommemstat test\\"), Line("dommemstat test\\\\"),
        Line("dommemstat te\\st"), Line("dommemstat te\\\\st"), Line("dommemstat \"te\\st\""), Line("dommemstat \"te\\\\st\""),
        Line("dommemstat 'te\\st'"), Line("dommemstat \"te\\\"st\""), Line("domid 'a\\'b'"), Line("\"dommemstat\" test"),
        Line("domname 1;domid test;uri"), Line("domname 1 ; domid test ; uri"), Line("domname 1; domid 1; uri"), Line("uri; domid 1"),
        Line("domid 1; uri"), Line("uri\nuri"), Line("uri\n"), Line("uri\\\nuri"), Line("uri \\\n"), Line("uri;\\\nuri"), Line("uri\rx") with { Difference = Differences.EscapedText },
        Line("uri#comment"), Line("uri # comment"), Line("# comment"), Line("uri;# comment"), Line("uri; #x; uri"), Line("uri #c\nuri"),
        Line("'#x'; uri"), Line("\\#x y; uri"), Line("\"#\" list\nuri"), Line("uri; '#c' list; uri"), Line("'#;' ; uri"), Line("\\# 'a;b' ; uri"), Line("'#x\ny'; uri"),
        Line("#; uri"), Line("list '#x'"), Words("#", "list"), Words("#", "a;b"), Words("uri", "#"),
        Line("uri '#' x"), Line("uri \"#c\""), Line("uri \"\""), Line("  uri  "), Line("\turi"), Line(";uri"), Line(";;"), Line(";"),
        Line("uri;;"), Line("uri ; ; uri"), Line("uri\\; uri"), Line("domname '1;2'"), Line("domname 1\\;2"), Line("'uri;'"),
        Line("\"uri;uri\""), Line("domname ''"), Line("dommemstat --domain=''"), Line("dommemstat '--domain' test"),
        Line("dommemstat --domain='test'"), Line("dommemstat test --period '3'"), Line("dommemstat '--' test"), Line("'' uri"), Line("''"),
        Line("\""), Line("'"), Line("\\"), Line("uri; \""), Line("bogus \"x"), Line("uri 'x;y"), Line("uri \"x;y"), Line("uri 'a'b\"c\"\\d"),
        Line("uri; bogus"), Line("bogus;uri"), Line("uri; setmem; bogus"), Line("version;bogus --x;uri"), Line("dommemstat --domain;uri"),
        Line("dommemstat --domain \"x"), Line("dommemstat --period \\"), Line(""), Line(" "),
        Line("setmem test 1024; dommemstat test"), Line("setmem test 1024; dominfo test"), Line("setmem test 1024 --config; dommemstat test"),
        Line("setmem test 9000000000; uri"), Line("dommemstat test --period 5;dommemstat test"), Line("list --uuid;list --name"),
        Line("domstats test; domstats nosuch; uri"), Line("domid a\tb"), Line("domid 'a\nb'") with { Difference = Differences.EscapedText },
        Line("domid 'a\x1b[31mb'") with { Difference = Differences.EscapedText },
    ];

    private static IEnumerable<ParityCase> GlobalOptions =>
    [
        Case("-q uri"), Case("-q domid 1"), Case("-q domid test"), Words("-q", "domid test; uri"), Words("-q", "domid 2; uri"),
        Case("-t uri"), Case("-q -t uri"), Case("-t domid 1"), Words("-t", "uri;uri"), Case("-qtr uri"), Case("-qr uri"), Case("-qx uri"),
        Case("-t bogus"), Words("-t", "uri --x"), Case("-r uri"), Case("-r setmem test 3"), Case("-r dommemstat test"),
        Case("-r dommemstat test --period 3"), Case("-rq setmem test 3"), Case("-r setmem test 0"), Case("-r setmem test 99999999999999999"),
        Case("-r dommemstat test --period -1"), Case("-r setmem nosuch 5"), Case("-r version"), Case("-r dominfo test"), Case("-r domstats"),
        Case("--bogus uri"), Case("--bogus=3 uri"), Case("-x uri"), Case("-rqx uri"), Case("--quiet=1 uri"), Case("--readonly=1 uri"),
        Case("--timing=1 uri"), Case("--help=1"), Case("--q uri"), Case("--qui uri"), Case("--read uri"), Case("--re uri"), Case("--t uri"),
        Case("--quiet --readonly --timing uri"), Case("--versionx uri"), Case("---"), Case("--= uri"), Case("-c"), Case("-qc"), Case("--conn"),
        Case("-q -- uri"), Case("-x=3 uri"),
        Bare("-ctest:///default", "uri"), Bare("--connect", "test:///default", "uri"), Bare("--connect=test:///default", "uri"),
        Bare("--conn", "test:///default", "uri"), Bare("--c=test:///default", "uri"), Bare("-qctest:///default", "uri"),
        Bare("-c", "x", "-c", "test:///default", "uri"), Bare("-q", "-c", "test:///default", "-r", "uri"),
        .. new[] { "-v", "-V", "--version", "--version=long", "--version=short", "--ver", "-v uri", "-qv" }
            .Select(words => Case(words) with { Difference = Differences.ProgramVersion }),
        .. new[] { "-h", "--help", "-h uri", "-qh" }.Select(words => Case(words) with { Difference = Differences.HelpText }),
    ];

    private static IEnumerable<ParityCase> Connecting =>
    [
        Bare("-c", "test:///", "uri"), Bare("-c", "test://", "uri"), Bare("-c", "test:///", "uri;uri"), Bare("-c", "test:///", "-q", "uri;uri"),
        Bare("-c", "test:///", "-t", "uri"), Bare("-c", "test:///", "help bogus; uri"), Bare("-c", "test:///", "uri", "--help"),
        Bare("-c", "test:///", "list", "--bogus"), Bare("-c", "test:///", " "), Bare("-c", "test:///", ""), Bare("-c", ":", "uri"),
        Bare("-c", "://", "uri"), Bare("-c", "a b", "uri"), Bare("-c", "test:///default ", "uri"), Bare("-c", "test:///%zz", "uri"),
        Bare("-c", "test:///default?x=1", "uri"), Bare("-c", "test:///default?x", "uri"), Bare("-c", "test:///default#part", "uri"),
        Bare("uri") with { Variable = ("VIRSH_DEFAULT_CONNECT_URI", "test:///default") },
        Bare("uri;uri;help bogus;list --name") with { Variable = ("VIRSH_DEFAULT_CONNECT_URI", "test:///") },
        Bare("-q", "uri;uri") with { Variable = ("VIRSH_DEFAULT_CONNECT_URI", "test:///") },
        Bare("-t", "uri") with { Variable = ("VIRSH_DEFAULT_CONNECT_URI", "test:///") },
        Bare("help", "bogus") with { Variable = ("VIRSH_DEFAULT_CONNECT_URI", "test:///") },
        Bare("-c", "test:///default", "uri") with { Variable = ("VIRSH_DEFAULT_CONNECT_URI", "test:///") },
        Bare("-c", "test:/default", "uri") with { Difference = Differences.UriForms },
        Bare("-c", "test:///nope", "uri") with { Difference = Differences.UriForms },
        Bare("-c", "bogus:///x", "uri") with { Difference = Differences.UriForms },
        Bare("-c", "x", "uri"),
    ];
}
