using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text;

namespace Ballast.Transports;

/// <summary>The standard input and output of a program that was started for it, as a pair of pipes. The program ends with this.</summary>
internal sealed class CommandTransport : ITransport
{
    // What is kept of what it writes for people. Whatever it writes is read: it shall never wait for us.
    private const int MostErrorBytes = 8 * 1024;

    // For what a program that has closed its output still says, and then for its end.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private readonly SpawnedProgram _program;
    private readonly PolledSocket _errors;
    private readonly Func<CommandEnd, LibvirtException> _explain;
    private readonly SocketTransport _pipes;
    private readonly Task _listening;
    private readonly Lock _gate = new();
    private readonly byte[] _said = new byte[MostErrorBytes];
    private int _saidBytes;
    private Task<LibvirtException>? _ending;
    private volatile bool _hasAnswered;

    private CommandTransport(SpawnedProgram program, PolledSocket output, PolledSocket errors, Func<CommandEnd, LibvirtException> explain)
    {
        _program = program;
        _errors = errors;
        _explain = explain;
        _pipes = new SocketTransport(new CommandStream(this, new SocketStream(output)));
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
            lock (_gate)
                return _explain(new CommandEnd(0, _program.ExitStatus, _program.Signal, Encoding.UTF8.GetString(_said.AsSpan(0, _saidBytes)), _hasAnswered));
        }
    }

    private async Task ListenAsync()
    {
        byte[] buffer = new byte[1024];
        try
        {
            while (await _errors.ReceiveAsync(buffer, CancellationToken.None).ConfigureAwait(false) is > 0 and var count)
                Keep(buffer.AsSpan(0, count));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody listens any more.
        }
    }

    // The last is what matters.
    private void Keep(ReadOnlySpan<byte> said)
    {
        lock (_gate)
        {
            int over = _saidBytes + said.Length - _said.Length;
            if (over > 0)
            {
                _said.AsSpan(over, _saidBytes - over).CopyTo(_said);
                _saidBytes -= over;
            }

            said.CopyTo(_said.AsSpan(_saidBytes));
            _saidBytes += said.Length;
        }
    }

    /// <summary>The same bytes; their end is an error that says why.</summary>
    private sealed class CommandStream(CommandTransport owner, SocketStream stream) : AsyncStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count;
            try
            {
                count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException)
            {
                throw await LostAsync(cancellationToken).ConfigureAwait(false);
            }

            // None were asked for where there is something.
            if (count == 0 && !buffer.IsEmpty)
                throw await LostAsync(cancellationToken).ConfigureAwait(false);
            owner._hasAnswered |= count > 0;
            return count;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await stream.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException)
            {
                throw await LostAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                stream.Dispose();
            base.Dispose(disposing);
        }

        private async ValueTask<LinkLostException> LostAsync(CancellationToken cancellationToken) =>
            new(await owner.EndAsync().WaitAsync(cancellationToken).ConfigureAwait(false));
    }
}
