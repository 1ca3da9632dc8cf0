namespace Ballast.Guests;

public sealed record DrivenGuestOptions
{
    public int MemoryMib { get; init; } = 32;

    /// <summary>The balloon's <c>id</c>; null gives it none, so that it lies under <c>/machine/peripheral-anon</c>.</summary>
    public string? BalloonId { get; init; } = "balloon0";

    /// <summary>Further properties of the balloon device, such as <c>deflate-on-oom=on</c>.</summary>
    public string? BalloonProperties { get; init; }

    public string? Name { get; init; }

    public Guid? Uuid { get; init; }

    /// <summary>The first is for the program under test, the last for the oracle.</summary>
    public int Monitors { get; init; } = 2;

    /// <summary>Whether the virtual clock runs, and with it QEMU's polling.</summary>
    public bool Running { get; init; } = true;

    /// <summary>Whether the guest's driver is loaded at once.</summary>
    public bool InitialiseDriver { get; init; } = true;

    public IReadOnlyList<string> ExtraArguments { get; init; } = [];

    /// <summary>Where QEMU's sockets lie, if the extra arguments name files there too; it is deleted with the guest.</summary>
    public PrivateDirectory? Directory { get; init; }
}
