namespace Ballast.Tests.Integration.Worlds;

/// <summary>What must never be: its kind in a few words, and what happened.</summary>
internal sealed class WorldViolation(string kind, string what) : Exception($"{kind}: {what}")
{
    public string Kind => kind;
}
