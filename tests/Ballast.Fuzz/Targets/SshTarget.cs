using System.Text;
using Ballast.Drivers.Remote;
using Ballast.Transports;

namespace Ballast.Fuzz.Targets;

/// <summary>
/// What ssh, a shell and the programs at the far end write: to standard error for people, and to standard output before and instead of the
/// protocol. All that is said of it can be shown at a terminal, is short, and names the host. The input is how the program ends,
/// the pieces of its output, two bytes with the length of its errors, these, and its output.
/// </summary>
internal sealed class SshTarget : TransportTarget
{
    private const int Beginning = 4, LongestError = 2500;
    private const byte NotStarted = 254, ByKill = 253, Unknown = 252;

    private static readonly SshCommand Ssh = Command();

    public override string Name => "ssh";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            "Host key verification failed.\r\n", "REMOTE HOST IDENTIFICATION HAS CHANGED!", "Permission denied (publickey).\r\n", "Could not resolve hostname h: Name or service not known\r\n",
            "Connection refused", "timed out", "No route to host", "No such file or directory", "Permission denied", "Welcome to Debian\r\n", "\u001b[31m", "\u001b]0;x\u0007", "\u202e", "\0", "\n\n",
            "sh: 1: ballast: not found\n", "nc: unix connect failed", "\u0085", "é",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff, 127], [0xc3], [0xe2, 0x80],
        .. new ClientTarget().Dictionary.Where(token => token.Length <= 64),
    ];

    public override IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. Sessions.Select(session => Input(0, 1, "", session)), .. Sessions.Select(session => Input(0, 3, "Warning: Permanently added 'h' to the list of known hosts.\r\n", session)),
        Input(255, 0, "Host key verification failed.\r\n", []), Input(255, 0, "ssh: connect to host h port 22: Connection refused\r\n", []),
        Input(127, 0, "there is no ballast, virt-ssh-helper or nc on this host\n", []), Input(1, 2, "nc: /run/x: No such file or directory\n", "Last login: today\r\n"u8.ToArray()),
        Input(NotStarted, 0, "", []), Input(ByKill, 0, "", []), Input(Unknown, 0, new string('x', 9000), []),
    ];

    public override int Run(byte[] input)
    {
        if (input.Length < Beginning)
            return 0;
        int length = Math.Min((input[2] << 8) | input[3], input.Length - Beginning);
        byte[] errors = input[Beginning..(Beginning + length)], output = input[(Beginning + length)..];
        string said = Keep(errors, input[1]);
        bool hasAnswered = false;
        LibvirtException Explain() => new SshTrouble(Ssh).Explain(End(input[0], said, hasAnswered));
        int outcome = Ask(input[1], [], output, stream => Task.FromResult<Stream?>(
            new CommandStream(stream, () => Task.FromResult(Explain()), () => hasAnswered = true)));
        LibvirtException end = Explain();
        FuzzException.Require(end.Code == ErrorCode.SystemError, $"its end is told with {end.Code}");
        FuzzException.Require(!end.Message.Any(c => char.IsControl(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format), "what is said of it has characters that nobody sees");
        FuzzException.Require(end.Message.Length <= LongestError, "what is said of it is long");
        return HashCode.Combine(outcome, end.Message.Length / 100, input[0] == NotStarted || end.Message.Contains(Ssh.Login, StringComparison.Ordinal));
    }

    private static CommandEnd End(byte how, string said, bool hasAnswered) => how switch
    {
        NotStarted => new(2, null, null, "No such file or directory", HasAnswered: false),
        ByKill => new(0, null, 9, said, hasAnswered),
        Unknown => new(0, null, null, said, hasAnswered),
        _ => new(0, how, null, said, hasAnswered),
    };

    private static string Keep(byte[] errors, int pieces)
    {
        ErrorTail tail = new();
        for (int at = 0, next = 0; at < errors.Length; at = next)
        {
            next = Math.Min(errors.Length, at + 1 + ((pieces * 37 + at) % 1024));
            tail.Add(errors.AsSpan(at, next - at));
        }

        string expected = Encoding.UTF8.GetString(errors.AsSpan(Math.Max(0, errors.Length - ErrorTail.MostBytes)));
        FuzzException.Require(tail.Text == expected, "what was written last is not what is kept");
        return tail.Text;
    }

    private static SshCommand Command() => ConnectUri.TryParse("qemu+ssh://user@host/system", out ConnectUri? uri)
        ? SshCommand.Of(uri, "qemu:///system", readOnly: false)
        : throw new InvalidOperationException();

    private static byte[] Input(byte how, byte pieces, string errors, byte[] output) =>
        [how, pieces, (byte)(errors.Length >> 8), (byte)errors.Length, .. Encoding.UTF8.GetBytes(errors), .. output];
}
