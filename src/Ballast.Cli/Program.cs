using Ballast.Cli;
using Ballast.Cli.Output;

using EndingSignals signals = new();
int exitCode = await CliProgram.RunAsync(args, new CliHost(new StandardStream(1), new StandardStream(2)), signals.Token);
return signals.ExitCode ?? exitCode;
