using Ballast.Cli;
using Ballast.Cli.Output;

namespace Ballast.Tests.Cli;

/// <summary>Both outputs fail at once.</summary>
public sealed class DeadOutputTests
{
    private const int NoSpace = 28;

    [Fact]
    public async Task Whoever_ends_a_program_that_can_say_nothing_gets_its_exit_code()
    {
        using CancellationTokenSource ending = new();
        using FailingStream full = new(() => new OutputException(NoSpace)), stopped = new(() =>
        {
            ending.Cancel();
            return new OperationCanceledException(ending.Token);
        });
        Assert.Equal(CliProgram.Interrupted, await CliProgram.RunAsync(["--version"], new CliHost(full, stopped), ending.Token));
    }

    private sealed class FailingStream(Func<Exception> failure) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw failure();

        public override void Write(byte[] buffer, int offset, int count) => throw failure();
    }
}
