namespace Ballast.Tests.Cli;

internal static partial class ParityCases
{
    // Where a test's program is started; both are started in the same directory.
    private const string Everything = "abzAZ09 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    private static IEnumerable<ParityCase> ShellCommands =>
    [
        Case("cd"), Case("cd /"), Words("cd", ""), Line("cd /; pwd"), Line("cd /; cd ..; pwd"), Case("cd --dir /"), Case("cd a b"), Case("cd --bogus"),
        Case("pwd"), Case("pwd x"), Line("pwd; pwd"), Case("-q pwd"),
        Case("quit"), Case("exit"), Line("quit; uri"), Line("uri; quit"), Line("uri; exit; uri"), Line("domid 9; quit"), Case("quit x"), Case("exit --bogus"),
        Case("-t quit"), Words("-t", "uri; quit"), Case("-q quit"), Line("quit; bogus"),
        Case("connect"), Case("connect test:///default"), Case("connect --name test:///default"), Case("connect --name=test:///default"),
        Case("connect test:///default x"), Case("connect --bogus"), Line("connect; uri"), Line("connect test:///default; uri"),
        Case("connect --readonly"), Line("connect --readonly; uri"), Line("connect --readonly; setmem test 1024"),
        Words("-r", "connect; setmem test 2097152"), Line("connect --readonly; connect; setmem test 2097152"), Case("-q connect"), Words("-t", "connect; quit"),
        Bare("connect", "test:///default"), Bare("connect test:///default; uri"), Bare("-q", "connect", "--readonly", "test:///default"),
        Case("connect nosuch:///x") with { Difference = Differences.UriForms }, Line("connect nosuch:///x; uri") with { Difference = Differences.UriForms },
        Case("echo"), Case("echo a"), Case("echo a b"), Words("echo", "a b", "c"), Words("echo", ""), Words("echo", "", "a", ""), Line("echo a; echo b"),
        Line("echo a; echo"), Words("-q", "echo a; echo b"), Words("-t", "echo a"), Line("echo \"a  b\" c"), Line("echo a;uri"), Case("echo -- --shell"),
        Case("echo a --shell"), Case("echo --bogus"), Case("echo --str x"), Case("echo --string x"), Case("echo --string=x y"), Words("echo", "ä 漢字 \U0001F600"),
        Words("echo", "a\tb"), Words("echo", "\x1b[1m"), Case("echo --shell a b"), Words("echo", "--shell", "a b", "c"), Words("echo", "--shell", "", "a"),
        Words("echo", "--shell", "it's"), Words("echo", "--shell", "a\nb"), Words("echo", "--shell", "ä"), Words("echo", "--shell", "a\x7f", "\u0001"),
        .. Everything.Select(c => Words("echo", "--shell", $"x{c}y")), .. Everything.Where(c => c > '9' || !char.IsAsciiLetterOrDigit(c)).Select(c => Words("echo", "--xml", $"x{c}y")),
        Words("echo", "--xml", "<a b='c'>&\"", "d"), Words("echo", "--xml", "a\u0001\tb\nc\rd"), Words("echo", "--xml", "ä"), Words("echo", "--xml", ""),
        Case("echo --split a,b"), Case("echo --split a,,b"), Case("echo --split a,,,b"), Case("echo --split ,"), Case("echo --split ,,"), Case("echo --split a,b c,,d"),
        Words("echo", "--split", ""), Case("echo --split a"), Case("echo --shell --xml a"), Case("echo --shell --split a"), Case("echo --xml --split a"),
        Case("echo --err a b"), Case("echo --err"), Words("echo", "--err", ""), Words("echo", "--err", "--shell", "a b"), Case("echo --err --xml <"), Case("-q echo --err a"),
        Case("echo --err --split a,b") with { Difference = Differences.EscapedText },
    ];

    private static IEnumerable<ParityCase> ShellLines =>
    [
        Case("-q"), Case("-t"), Case("-r"), Case("-qr"), Words(),
        .. new[]
        {
            "uri\n", "uri", "\n", "\n\nuri\n", "  \n", "bogus\n", "bogus\nuri\n", "uri\nbogus\n", "bogus; quit\nuri\n", "quit\n", "quit", "exit\nuri\n", "quit x\nuri\n",
            "uri; quit; uri\n", "uri; domid 9\nuri\n", "domid 9\n", "# comment\nuri\n", "uri # comment\n", "uri \\\n", "\"abc\nuri\n", "'abc\nuri\n", "echo a\\\nuri\n",
            "cd /usr\npwd\n", "cd /usr\ncd lib\npwd\n", "cd\n", "cd /nonexistent\npwd\n", "cd \"\"\n", "cd --\n", "cd /dev/null\n", "cd /usr\ncd ..\npwd\n", "cd a b\n",
            "echo a b \"c d\"\n", "echo\n", "echo ä 漢字\n", "connect\nuri\n", "connect test:///default\nuri\n", "connect --readonly\nsetmem test 1024\nconnect\nuri\n",
            "list; domid 2\nquit\n", "domname 1\ndomid test\n", "\x04uri\n", "list --bogus\nuri\n", "setmem\nuri\n", "uri\r\nuri\n", "domstate test\n",
            "''\nuri\n", "uri\nquit", "uri\nexit;uri", "help bogus\n", "'#x'\nuri\n", "destroy test\nconnect\nlist --all\n",
            "destroy test\nconnect test:///default\nlist --all\n", "suspend test\nconnect --readonly\ndomstate test\n", "setmem test 1024; dominfo test\ndommemstat test\n",
        }.Select(input => Words() with { Input = input }),
        .. new[] { "uri\n", "quit\n", "uri\nquit\n", "bogus\n", "echo a\necho b\n", "domid 9\n" }.SelectMany(input => new[]
        {
            Case("-q") with { Input = input }, Case("-t") with { Input = input }, Case("-r") with { Input = input }, Case("-qt") with { Input = input },
        }),
        Case("-r") with { Input = "setmem test 1024\n" }, Case("-r") with { Input = "connect\nsetmem test 2097152\n" },
        Bare("-c", "nosuch:///x") with { Input = "uri\n", Difference = Differences.UriForms },
        Case("uri") with { Input = "domid test\n" }, Words("") with { Input = "uri\n" },
    ];

    private static IEnumerable<ParityCase> LogAndKeepalive =>
    [
        .. new[]
        {
            "-d 4", "-d4", "--debug 4", "--debug=4", "-d 04", "-d 9", "-d -1", "-d +4", "-d 9 -d abc", "-d abc", "-d 5x", "-d 0x4", "-d 9 --bogus", "--deb 4", "-d",
            "-e x", "-e ^x", "-e ^]", "-e ^[", "-e ^@", "-e ^_", "-e ^`", "-e ^{", "-e ^?", "-e ^1", "-e ^", "-e xx", "-e é", "-e ^é", "--escape=^x", "--esc ^", "-e",
            "-k 0", "-k0", "-k 1", "-k 5", "-k 0x10", "-k 010", "-k 08", "-k 0x", "-k +0", "-k -0", "-k -1", "-k abc", "-k 5x", "-k 99999999999", "-k 2147483647",
            "-k 2147483648", "-k 0x80000000", "-k", "--keepalive-interval=0", "--keepalive-interval 3", "--keepalive-i 0", "--keepalive 0",
            "-K 3", "-K 0", "-K -1", "-K abc", "-k 0 -K 0", "-k 0 -K 5", "-k 5 -K 0", "--keepalive-count=3", "--keepalive-c 3", "-K", "-qk 0", "-qk0",
            "-l /dev/null", "-l/dev/null", "--log /dev/null", "--log=/dev/null", "-l /nonexistent/x", "-l /tmp", "-l /nonexistent/x --bogus", "-l /nonexistent/x -d abc",
            "-l", "-ql /dev/null", "-l /dev/null -k 3",
        }.Select(words => Case($"{words} uri")),
        Words("-k", " 0", "uri"), Words("-k", "0 ", "uri"), Words("-k", "", "uri"), Words("-d", "", "uri"), Words("-d", " 4", "uri"), Words("-e", "", "uri"), Words("-l", "", "uri"),
        Case("-l /dev/full bogus"), Case("-l /dev/full uri"), Line("uri; domid 9") with { Variable = ("VIRSH_LOG_FILE", "/dev/full") }, Case("-l /dev/null bogus"), Case("-k 3") with { Input = "uri\n" }, Case("-k 0") with { Input = "uri\n" }, Case("-k 3 connect"), Words("-k", "0", "connect; uri"),
        .. new[] { "", "4", " 4", "+4", "9", "-1", "x", "4x", "0x4" }.SelectMany(level => new[] { "uri", "-d 4 uri", "--version", "--bogus", "bogus" }.Select(
            words => Case(words) with { Variable = ("VIRSH_DEBUG", level), Difference = words == "--version" ? Differences.ProgramVersion : null })),
        .. new[] { "", "/dev/null", "/nonexistent/x", "/tmp" }.SelectMany(file => new[] { "uri", "-l /dev/null uri", "-l /nonexistent/x uri", "--bogus", "bogus" }.Select(
            words => Case(words) with { Variable = ("VIRSH_LOG_FILE", file) })),
        .. new[] { "-d 0 uri", "--debug=1 uri", "-d 0 domid 1", "-d 1 bogus" }.Select(words => Case(words) with { Difference = Differences.OwnSteps }),
    ];
}
