using Ballast.Cli;
using Ballast.Cli.Output;
using Ballast.Cli.Shell;
using Ballast.Cli.Terminal;

using EndingSignals signals = new();
StandardStream output = new(1), error = new(2);
CliHost host = new(output, error)
{
    IsVirsh = Path.GetFileName(Environment.GetCommandLineArgs()[0]) == "virsh",
    IsOutputTerminal = output.IsTerminal,
    IsErrorTerminal = error.IsTerminal,
    Columns = () => output.Columns,
    OpenTerminal = () => ProcessTerminal.TryOpen(output),
    EndingSignal = () => signals.First,
    Input = new StandardInput(signals.OnInterrupt),
    OnInterrupt = signals.OnInterrupt,
};
int exitCode = await CliProgram.RunAsync(args, host, signals.Token);

// Some commands end by Ctrl-C as usual, and say themselves whether they succeeded.
return exitCode != CliProgram.Interrupted && signals.First == EndingSignals.Interrupt ? exitCode : signals.ExitCode ?? exitCode;
