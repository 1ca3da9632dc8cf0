using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Ballast.Transports;

/// <summary>The standard input and output of a program that was started for it, as a pair of pipes. The program ends with this.</summary>
internal sealed class CommandTransport : ITransport
{
    // For what a program that has closed its output still says, and then for its end.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private readonly SpawnedProgram _program;
    private readonly PolledSocket _errors;
    private readonly Func<CommandEnd, LibvirtException> _explain;
    private readonly SocketTransport _pipes;
    private readonly Task _listening;
    private readonly Lock _gate = new();
    private readonly ErrorTail _said = new();
    private Task<LibvirtException>? _ending;
    private volatile bool _hasAnswered;

    private CommandTransport(SpawnedProgram program, PolledSocket output, PolledSocket errors, Func<CommandEnd, LibvirtException> explain)
    {
        _program = program;
        _errors = errors;
        _explain = explain;
        _pipes = new SocketTransport(new CommandStream(new SocketStream(output), EndAsync, () => _hasAnswered = true));
        _listening = ListenAsync();
    }

    public PipeReader Input => _pipes.Input;

    public PipeWriter Output => _pipes.Output;

    /// <exception cref="LibvirtException">It cannot be started.</exception>
    public static ITransport Start(string file, IReadOnlyList<string> arguments, Func<CommandEnd, LibvirtException> explain)
    {
        PolledSocket? output = null, errors = null;
        try
        {
            output = Open(out SafeHandle itsOutput);
            using SafeHandle theirs = itsOutput;
            errors = Open(out SafeHandle itsErrors);
            using SafeHandle theirErrors = itsErrors;
            int errno = SpawnedProgram.TryStart(file, arguments, itsOutput, itsErrors, out SpawnedProgram? program);
            return program is not null
                ? new CommandTransport(program, output, errors, explain)
                : throw explain(new CommandEnd(errno, null, null, Marshal.GetPInvokeErrorMessage(errno), HasAnswered: false));
        }
        catch
        {
            output?.Dispose();
            errors?.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _pipes.DisposeAsync().ConfigureAwait(false);
        await _program.DisposeAsync().ConfigureAwait(false);
        _errors.Dispose();
        await _listening.ConfigureAwait(false);
    }

    /// <summary>Our end of a pair of sockets, and the program's.</summary>
    private static PolledSocket Open(out SafeHandle its)
    {
        (SafeHandle ours, its) = SocketPair.Make("no program can be started");
        try
        {
            // Closes ours where it cannot be made.
            return new PolledSocket(ours);
        }
        catch
        {
            its.Dispose();
            throw;
        }
    }

    /// <summary>What its end means; asked for when nothing comes from it any more, and looked into once.</summary>
    private Task<LibvirtException> EndAsync()
    {
        lock (_gate)
            return _ending ??= LookAsync();

        async Task<LibvirtException> LookAsync()
        {
            // Not under the lock. A program that it has started may keep its errors open for ever.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await _program.WaitAsync(LastWords).ConfigureAwait(false);
            await Task.WhenAny(_listening, Task.Delay(TimeSpan.FromMilliseconds(100))).ConfigureAwait(false);
            return _explain(new CommandEnd(0, _program.ExitStatus, _program.Signal, _said.Text, _hasAnswered));
        }
    }

    private async Task ListenAsync()
    {
        byte[] buffer = new byte[1024];
        try
        {
            // Whatever it writes is read: it shall never wait for us.
            while (await _errors.ReceiveAsync(buffer, CancellationToken.None).ConfigureAwait(false) is > 0 and var count)
                _said.Add(buffer.AsSpan(0, count));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody listens any more.
        }
    }
}
