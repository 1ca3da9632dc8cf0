namespace Ballast.Fuzz.Wire;

/// <summary>What is at the other end of a client.</summary>
internal interface IFakeServer
{
    Task ServeAsync(PipedPeer client);
}
