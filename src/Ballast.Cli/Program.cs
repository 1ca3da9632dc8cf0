using Ballast.Cli;
using Ballast.Cli.Output;
using Ballast.Cli.Shell;

using EndingSignals signals = new();
StandardStream output = new(1), error = new(2);
CliHost host = new(output, error)
{
    IsVirsh = Path.GetFileName(Environment.GetCommandLineArgs()[0]) == "virsh",
    IsOutputTerminal = output.IsTerminal,
    IsErrorTerminal = error.IsTerminal,
    Columns = () => output.Columns,
    Input = new StandardInput(signals.OnInterrupt),
    OnInterrupt = signals.OnInterrupt,
};
int exitCode = await CliProgram.RunAsync(args, host, signals.Token);
return signals.ExitCode ?? exitCode;
