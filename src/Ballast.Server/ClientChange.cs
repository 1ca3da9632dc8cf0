namespace Ballast.Server;

/// <summary>What a client had done to a domain.</summary>
/// <param name="What">In words: "balloon size 1048576 KiB".</param>
/// <param name="Name">The domain's name, as the client said it.</param>
/// <param name="Uuid">Its UUID, which decides.</param>
/// <param name="IsSure">False where QEMU did not answer in time: it may still take effect.</param>
internal readonly record struct ClientChange(string What, string Name, Guid Uuid, bool IsSure)
{
    /// <summary>In one short line that no terminal obeys, whatever the client called the domain.</summary>
    public override string ToString() =>
        $"{What} of domain {LogLine.Quote(Name)} ({Uuid}){(IsSure ? "" : ", without an answer: it may still take effect")}";
}
