using System.Buffers;
using System.IO.Pipelines;
using Ballast.Rpc;

namespace Ballast.Fuzz.Wire;

/// <summary>One end of a pair of pipes that sends whatever a test wants, and reads whole frames.</summary>
internal sealed class PipedPeer(IDuplexPipe end)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    public void Send(ReadOnlySpan<byte> bytes)
    {
        end.Output.Write(bytes);
        _ = end.Output.FlushAsync().AsTask().Wait(Deadline);
    }

    public void EndOfFile() => end.Output.Complete();

    /// <summary>The next frame; null at the end.</summary>
    public async Task<byte[]?> ReceiveAsync()
    {
        using CancellationTokenSource limit = new(Deadline);
        while (true)
        {
            ReadResult result;
            try
            {
                result = await end.Input.ReadAsync(limit.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new FuzzException("nothing came", e);
            }
            catch (LibvirtException)
            {
                return null; // Its other end says why it ended, as no socket could.
            }

            if (TryCut(result.Buffer) is { } frame)
            {
                end.Input.AdvanceTo(result.Buffer.GetPosition(frame.Length));
                return frame;
            }

            FuzzException.Require(!result.IsCompleted || result.Buffer.IsEmpty, "it ended within a frame");
            end.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted)
                return null;
        }
    }

    /// <summary>Takes some of the bytes that have come, without waiting for any.</summary>
    public byte[] TakeBytes(int most)
    {
        if (!end.Input.TryRead(out ReadResult result))
            return [];
        ReadOnlySequence<byte> taken = result.Buffer.Slice(0, Math.Min(most, result.Buffer.Length));
        byte[] bytes = taken.ToArray();
        end.Input.AdvanceTo(taken.End);
        return bytes;
    }

    /// <summary>A frame that is there already; null: none.</summary>
    public byte[]? TryReceive()
    {
        if (!end.Input.TryRead(out ReadResult result))
            return null;
        byte[]? frame = TryCut(result.Buffer);
        if (frame is not null)
            end.Input.AdvanceTo(result.Buffer.GetPosition(frame.Length));
        else
            end.Input.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
        return frame;
    }

    private static byte[]? TryCut(ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length < RpcLimits.LengthBytes)
            return null;
        byte[] there = bytes.ToArray();
        return Frames.Length(there) is { } length ? there[..length] : null;
    }
}
