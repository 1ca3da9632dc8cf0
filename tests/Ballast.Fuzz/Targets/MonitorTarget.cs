using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Fuzz.Targets;

/// <summary>A monitor's bytes through framer, message and every reader of a message's parts.</summary>
internal sealed class MonitorTarget : FuzzTarget
{
    // Readers take time where they refuse, so only the first messages of an input go through all of them.
    private const int MaxRead = 4;

    public override string Name => "monitor";

    public override IReadOnlyList<byte[]> Dictionary => MonitorInput.Dictionary;

    public override int Run(byte[] input)
    {
        var (messages, isRefused) = MonitorInput.Frame(input);
        CheckAgainstJson(input, messages);
        CheckPieces(input, messages, isRefused);

        HashCode outcome = default;
        outcome.Add(isRefused);
        int count = 0;
        foreach (Range message in messages)
        {
            if (count++ < MaxRead)
                outcome.Add(ReadMessage(input.AsSpan(message)));
        }

        return outcome.ToHashCode();
    }

    private static void CheckAgainstJson(byte[] input, List<Range> messages)
    {
        List<int> ends = MonitorInput.ObjectEnds(input);
        FuzzException.Require(
            ends.Count <= messages.Count && ends.SequenceEqual(messages.Take(ends.Count).Select(range => range.End.Value)),
            "it ends messages elsewhere than JSON does");
    }

    private static void CheckPieces(byte[] input, List<Range> messages, bool isRefused)
    {
        List<int> ends = [];
        JsonFramer framer = default;
        bool refused = false;
        try
        {
            foreach (Range piece in MonitorInput.Pieces(input))
            {
                int start = piece.Start.Value;
                while (framer.TryFindEnd(input.AsSpan(start..piece.End.Value), out int consumed))
                    ends.Add(start += consumed);
            }
        }
        catch (InvalidDataException)
        {
            refused = true;
        }

        FuzzException.Require(
            refused == isRefused && ends.SequenceEqual(messages.Select(range => range.End.Value)), "it depends on how the bytes arrive");
    }

    private static int ReadMessage(ReadOnlySpan<byte> json)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        QmpMessage message;
        try
        {
            message = QmpMessage.Parse(json);
        }
        catch (InvalidDataException e)
        {
            MonitorReaders.CheckAllocation(before, json.Length, "message");
            return OutcomeOf(e);
        }

        MonitorReaders.CheckAllocation(before, json.Length, "message");
        FuzzException.Require(json.Overlaps(message.Body) && message.Body.Length > 0, "the body is not part of the message");
        return HashCode.Combine(message.Kind, message.Id.Length > 0, MonitorReaders.ReadAll(message.Body), MonitorReaders.ReadAll(message.Data));
    }

    internal static int OutcomeOf(InvalidDataException error) => string.GetHashCode(error.Message, StringComparison.Ordinal);
}
