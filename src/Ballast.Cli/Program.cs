using System.Runtime.InteropServices;
using Ballast.Cli;
using Ballast.Cli.Output;

// The first Ctrl-C cancels, so that what was changed for a moment is put back; a second one ends the program at once.
using CancellationTokenSource interrupt = new();
using PosixSignalRegistration registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
{
    context.Cancel = !interrupt.IsCancellationRequested;
    interrupt.Cancel();
});

return await CliProgram.RunAsync(args, new CliHost(new StandardStream(1), new StandardStream(2)), interrupt.Token);
