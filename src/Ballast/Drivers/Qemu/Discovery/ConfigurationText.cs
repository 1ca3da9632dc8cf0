namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>What a file for <c>-readconfig</c> says.</summary>
/// <param name="Text">Its contents, decoded as names are.</param>
/// <param name="IsCertain">Whether the path led to it when the process read it; else it may be another one's.</param>
internal sealed record ConfigurationText(string Text, bool IsCertain)
{
    /// <summary>Whether the process began later than the file was read, so that a change in between looks older than it.</summary>
    public bool MayBeYounger { get; init; }

    public static implicit operator ConfigurationText?(string? text) => text is null ? null : new(text, IsCertain: true);
}
