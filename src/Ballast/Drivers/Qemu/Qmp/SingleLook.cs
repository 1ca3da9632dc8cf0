using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A look at one thing, which a caller named or a process wrote: to follow a path, or to read what lies there, may keep whoever does it waiting.</summary>
internal static class SingleLook
{
    /// <param name="look">The look.</param>
    /// <param name="what">What it is about.</param>
    /// <param name="note">Told of each call that does not return, once.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LibvirtException">Nobody can look there now.</exception>
    public static async Task<T> RunAsync<T>(Func<T> look, string what, Action<LookFailure>? note, CancellationToken cancellationToken)
    {
        try
        {
            return await HostLook.RunOfOneAsync(look, note, cancellationToken).ConfigureAwait(false);
        }
        catch (LookStuckException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw QmpErrors.CannotLook(new LookFailure(HostLook.LeftOut, what));
        }
    }
}
