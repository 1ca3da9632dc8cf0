namespace Ballast.Transports;

/// <summary>What comes from a program and goes to it; its end is an error that says why.</summary>
/// <param name="stream">Its output and input.</param>
/// <param name="end">What its end means; asked for when nothing comes from it any more.</param>
/// <param name="answered">Told when something came.</param>
internal sealed class CommandStream(Stream stream, Func<Task<LibvirtException>> end, Action answered) : StreamLayer(stream)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count;
        try
        {
            count = await Below.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            throw await LostAsync(cancellationToken).ConfigureAwait(false);
        }

        // None were asked for where there is something.
        if (count == 0 && !buffer.IsEmpty)
            throw await LostAsync(cancellationToken).ConfigureAwait(false);
        if (count > 0)
            answered();
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await Below.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            throw await LostAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<LinkLostException> LostAsync(CancellationToken cancellationToken) =>
        new(await end().WaitAsync(cancellationToken).ConfigureAwait(false));
}
