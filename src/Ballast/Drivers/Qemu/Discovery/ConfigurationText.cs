namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>What a file for <c>-readconfig</c> says.</summary>
/// <param name="Text">Its contents, decoded as names are.</param>
/// <param name="IsCertain">Whether the path led to it when the process read it; else it may be another one's.</param>
internal sealed record ConfigurationText(string Text, bool IsCertain)
{
    public static implicit operator ConfigurationText?(string? text) => text is null ? null : new(text, IsCertain: true);
}
