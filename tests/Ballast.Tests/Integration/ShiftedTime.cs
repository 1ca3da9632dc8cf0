namespace Ballast.Tests.Integration;

/// <summary>The system's clock, with a wall clock that a test sets ahead, to see old age without waiting for it.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    public TimeSpan Shift { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Shift;
}
