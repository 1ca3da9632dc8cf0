namespace Ballast.Cli.Shell;

/// <summary>Input that is there already: nobody types it, and nothing has to be waited for.</summary>
internal sealed class StreamInput(Stream stream) : IShellInput
{
    public bool IsTerminal => false;

    public int Read(Span<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return stream.Read(buffer);
    }

    public void Wake()
    {
    }
}
