using System.Diagnostics;
using System.Text;
using Ballast.Cli;
using Ballast.Cli.Shell;

namespace Ballast.Tests.Cli;

/// <summary>What a program left behind.</summary>
public sealed record Outcome(int ExitCode, string Output, string Error);

/// <summary>Runs ballast inside the test, or any program beside it.</summary>
internal static class CliRun
{
    public static Task<Outcome> BallastAsync(params string[] arguments) => BallastAsync(arguments, open: null);

    public static Task<Outcome> BallastAsync(FakeDriver driver, params string[] arguments) =>
        BallastAsync(arguments, (uri, options, _) => new(new Connection(driver, uri ?? "fake:///", options)));

    /// <summary>As somebody at a terminal sees it.</summary>
    public static Task<Outcome> BallastAtTerminalAsync(FakeDriver driver, params string[] arguments) => BallastAsync(
        arguments, (uri, options, _) => new(new Connection(driver, uri ?? "fake:///", options)), isTerminal: true);

    /// <summary>As virsh, whether at a terminal or not.</summary>
    public static Task<Outcome> VirshAtTerminalAsync(FakeDriver driver, params string[] arguments) => BallastAsync(
        arguments, (uri, options, _) => new(new Connection(driver, uri ?? "fake:///", options)), isTerminal: true, isVirsh: true);

    public static async Task<Outcome> BallastAsync(
        string[] arguments, ConnectionOpener? open, IReadOnlyDictionary<string, string>? variables = null,
        TimeProvider? time = null, bool isTerminal = false, bool isVirsh = false, int? columns = null, string procPath = "/proc",
        string input = "", CancellationToken cancellationToken = default)
    {
        using MemoryStream output = new();
        using MemoryStream error = new();
        CliHost host = new(output, error)
        {
            Variable = name => variables?.GetValueOrDefault(name),
            Open = open ?? OpenNamedAsync,
            TimeProvider = time ?? TimeProvider.System,
            IsVirsh = isVirsh,
            IsOutputTerminal = isTerminal,
            IsErrorTerminal = isTerminal,
            Columns = () => columns,
            ProcPath = procPath,
            Input = new StreamInput(new MemoryStream(Encoding.UTF8.GetBytes(input))),
        };
        int exitCode = await CliProgram.RunAsync(arguments, host, cancellationToken);
        return new Outcome(exitCode, Text(output), Text(error));
    }

    public static async Task<Outcome> ProcessAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? variables = null,
        string input = "", CancellationToken cancellationToken = default)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = new UTF8Encoding(false),
            StandardErrorEncoding = new UTF8Encoding(false),
        };
        foreach (string name in start.Environment.Keys.Where(IsForVirsh).ToList())
            _ = start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C.UTF-8";
        foreach ((string name, string value) in variables ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(Encoding.UTF8.GetBytes(input), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading everything.
        }

        await process.WaitForExitAsync(cancellationToken);
        return new Outcome(process.ExitCode, await output, await error);
    }

    /// <summary>The program as people start it: the native one where BALLAST_CLI names it, else the one built with the tests.</summary>
    public static string Program => NativeProgram ?? Path.Combine(AppContext.BaseDirectory, "Ballast.Cli");

    public static string? NativeProgram => Environment.GetEnvironmentVariable("BALLAST_CLI") is { Length: > 0 } path ? path : null;

    // Without a name it would be all QEMUs of the host, those of tests that run at the same time too.
    private static ValueTask<Connection> OpenNamedAsync(string? uri, ConnectionOptions? options, CancellationToken cancellationToken) =>
        Connection.OpenAsync(uri ?? throw new InvalidOperationException("The test names no connection."), options, cancellationToken);

    private static bool IsForVirsh(string variable) =>
        variable.StartsWith("VIRSH_", StringComparison.Ordinal)
        || variable.StartsWith("LIBVIRT_", StringComparison.Ordinal)
        || variable.StartsWith("LC_", StringComparison.Ordinal);

    private static string Text(MemoryStream stream) => Encoding.UTF8.GetString(stream.ToArray());
}
