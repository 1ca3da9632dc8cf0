using Ballast.Cli;
using Ballast.Cli.Output;
using Ballast.Cli.Shell;
using Ballast.Cli.Terminal;
using Ballast.Typing;
using Microsoft.Win32.SafeHandles;

using EndingSignals signals = new();
StandardStream output = new(1, signals.Token), error = new(2, signals.Token);
CliHost host = new(output, error)
{
    // Not the console's own, which takes the terminal over and shows what is typed.
    StandardInput = new(static () => StandardDescriptor.IsGiven(0) ? new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0) : Stream.Null),
    HideTyping = TerminalEcho.Hide,
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
