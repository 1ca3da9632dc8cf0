using System.Net.Sockets;
using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Rpc;

/// <summary>Bytes between two streams and a daemon's socket.</summary>
public sealed class DaemonSocketTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public DaemonSocketTests()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Path => _directory.File("sock");

    [Fact]
    public void Is_found_where_it_is()
    {
        Assert.Equal(Path, DaemonSocket.Find(Path));
        Assert.Null(DaemonSocket.Find(_directory.File("other")));
        Assert.Equal(ErrorCode.NoConnect, Assert.Throws<LibvirtException>(() => DaemonSocket.Find("nothing")).Code);
    }

    [Fact]
    public async Task The_end_of_the_input_is_passed_on_and_what_the_daemon_says_then_still_comes()
    {
        byte[] said = new byte[3 << 20];
        Random.Shared.NextBytes(said);
        using MemoryStream input = new("question"u8.ToArray()), output = new();
        Task relaying = DaemonSocket.RelayAsync(Path, readOnly: false, input, output, Token);
        using (Socket daemon = await _listener.AcceptAsync(Token))
        {
            byte[] heard = new byte[100];
            int count = 0;
            while (await daemon.ReceiveAsync(heard.AsMemory(count), Token) is > 0 and var more)
                count += more;
            Assert.Equal("question"u8, heard.AsSpan(0, count));
            await using NetworkStream stream = new(daemon);
            await stream.WriteAsync(said, Token);
        }

        await relaying.WaitAsync(Deadline.Default, Token);
        Assert.True(said.AsSpan().SequenceEqual(output.ToArray()));
    }

    [Fact]
    public async Task No_more_is_taken_than_the_daemon_reads()
    {
        Endless input = new();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task relaying = DaemonSocket.RelayAsync(Path, readOnly: false, input, Stream.Null, end.Token);
        using Socket daemon = await _listener.AcceptAsync(Token);

        // Until nothing more is taken.
        long before = -1;
        await Deadline.UntilAsync(Deadline.Default, "a full socket", _ =>
        {
            bool isFull = input.Taken > 0 && input.Taken == before;
            before = input.Taken;
            return Task.FromResult(isFull);
        }, Token, TimeSpan.FromMilliseconds(200));
        Assert.InRange(before, 1, 4 << 20);

        byte[] buffer = new byte[1 << 20];
        for (long read = 0; read < before;)
            read += await daemon.ReceiveAsync(buffer, Token);
        await Deadline.UntilAsync(Deadline.Default, "more of the input", _ => Task.FromResult(input.Taken > before), Token);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => relaying.WaitAsync(Deadline.Default, Token));
    }

    [Fact]
    public async Task Ends_with_the_daemon_while_the_input_goes_on()
    {
        using Forever input = new();
        Task relaying = DaemonSocket.RelayAsync(Path, readOnly: false, input, Stream.Null, Token);
        (await _listener.AcceptAsync(Token)).Dispose();
        await relaying.WaitAsync(Deadline.Default, Token);
    }

    [Fact]
    public async Task Where_no_daemon_listens_it_says_so()
    {
        string path = _directory.File("other");
        LibvirtException error = await DaemonSocket.RelayAsync(path, readOnly: false, Stream.Null, Stream.Null, Token).FailsAsync(ErrorCode.SystemError);
        Assert.Equal((2, $"Failed to connect socket to '{path}': No such file or directory"), (error.Int1, error.Message));
    }

    public void Dispose()
    {
        _listener.Dispose();
        _directory.Dispose();
    }

    private abstract class InputOnly : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    private sealed class Endless : InputOnly
    {
        private long _taken;

        public long Taken => Interlocked.Read(ref _taken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _ = Interlocked.Add(ref _taken, buffer.Length);
            return new(buffer.Length);
        }
    }

    private sealed class Forever : InputOnly
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
