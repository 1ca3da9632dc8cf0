namespace Ballast;

/// <summary>A transport ended, and knows why.</summary>
/// <param name="error">What who waits is told.</param>
internal sealed class LinkLostException(LibvirtException error) : IOException(error.Message, error)
{
    public LibvirtException Error => error;
}
