using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Ballast.Guests;

/// <summary>QEMU's qtest protocol: what a guest's processor would do to memory and device registers, as lines of text.</summary>
public sealed class QtestConnection : IAsyncDisposable
{
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;
    private readonly SemaphoreSlim _exclusive = new(1);
    private readonly Queue<TaskCompletionSource<string>> _pending = new();
    private readonly Task _receiving;
    private Exception? _ended;

    public QtestConnection(Socket socket)
    {
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(_stream, Encoding.ASCII);
        _receiving = ReceiveAsync();
    }

    /// <summary>Called from the receiving loop when an intercepted interrupt line goes up; must not block.</summary>
    public Action? InterruptRaised { get; set; }

    public static string WriteWord(ulong address, ushort value) => $"writew 0x{address:x} 0x{value:x}\n";

    public static string WriteLong(ulong address, uint value) => $"writel 0x{address:x} 0x{value:x}\n";

    public static string ReadWord(ulong address) => $"readw 0x{address:x}\n";

    public static string ReadLong(ulong address) => $"readl 0x{address:x}\n";

    public static string WriteBytes(ulong address, ReadOnlySpan<byte> bytes) =>
        $"write 0x{address:x} 0x{bytes.Length:x} 0x{Convert.ToHexStringLower(bytes)}\n";

    public static string ReadBytes(ulong address, int length) => $"read 0x{address:x} 0x{length:x}\n";

    /// <summary>
    /// Sends the commands together and returns their answers, without the word <c>OK</c>. QEMU takes up to 1024 bytes of
    /// them in one turn of its main loop: nothing else happens in the device in between.
    /// </summary>
    public Task<IReadOnlyList<string>> ExecuteAsync(IReadOnlyList<string> commands, CancellationToken cancellationToken = default) =>
        Deadline.WithinAsync(Deadline.Default, "answer on the qtest socket", async token =>
        {
            await _exclusive.WaitAsync(token);
            try
            {
                var answers = Expect(commands.Count);
                // Once begun, a batch is sent whole: half a line would be taken for the beginning of the next one.
                await _stream.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(commands)), CancellationToken.None);
                return (IReadOnlyList<string>)await Task.WhenAll(answers).WaitAsync(token);
            }
            finally
            {
                _exclusive.Release();
            }
        }, cancellationToken);

    public async Task<string> ExecuteAsync(string command, CancellationToken cancellationToken = default) =>
        (await ExecuteAsync([command], cancellationToken))[0];

    public static ulong ParseNumber(string answer) =>
        ulong.Parse(answer.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        _stream.Dispose();
        await _receiving;
        _reader.Dispose();
        _exclusive.Dispose();
    }

    private Task<string>[] Expect(int count)
    {
        lock (_pending)
        {
            if (_ended is { } ended)
                throw new IOException("The qtest connection is gone.", ended);
            var answers = new Task<string>[count];
            for (var i = 0; i < count; i++)
            {
                var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
                _pending.Enqueue(answer);
                answers[i] = answer.Task;
            }

            return answers;
        }
    }

    private async Task ReceiveAsync()
    {
        Exception ended = new EndOfStreamException("QEMU closed the qtest connection.");
        try
        {
            while (await _reader.ReadLineAsync() is { } line)
                Dispatch(line);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            ended = error;
        }

        lock (_pending)
        {
            _ended = ended;
            while (_pending.TryDequeue(out var waiting))
                waiting.TrySetException(new IOException("The qtest connection is gone.", ended));
        }
    }

    private void Dispatch(string line)
    {
        if (line.StartsWith("IRQ ", StringComparison.Ordinal))
        {
            if (line.StartsWith("IRQ raise", StringComparison.Ordinal))
                InterruptRaised?.Invoke();
            return;
        }

        TaskCompletionSource<string>? answer;
        lock (_pending)
            _ = _pending.TryDequeue(out answer);
        if (line == "OK" || line.StartsWith("OK ", StringComparison.Ordinal))
            answer?.TrySetResult(line.Length > 3 ? line[3..] : "");
        else
            answer?.TrySetException(new InvalidOperationException($"qtest: {line}"));
    }
}
