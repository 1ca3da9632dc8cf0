namespace Ballast;

/// <summary>libvirt's reasons for a domain's state, as far as a driver gives them. <see cref="DomainStateLabels"/> has the words for all.</summary>
internal static class DomainStateReasons
{
    /// <summary>For every state.</summary>
    public const int Unknown = 0;

    /// <summary>libvirt's <c>virDomainRunningReason</c>.</summary>
    internal static class Running
    {
        public const int Booted = 1, Migrated = 2, Unpaused = 5, Wakeup = 8;
    }

    /// <summary>libvirt's <c>virDomainPausedReason</c>.</summary>
    internal static class Paused
    {
        public const int User = 1, Migration = 2, Save = 3, IOError = 5, Watchdog = 6, Crashed = 10;
    }

    /// <summary>libvirt's <c>virDomainShutoffReason</c>.</summary>
    internal static class Shutoff
    {
        public const int Shutdown = 1, Destroyed = 2, Saved = 5;
    }

    /// <summary>libvirt's <c>virDomainCrashedReason</c>.</summary>
    internal static class Crashed
    {
        public const int Panicked = 1;
    }
}
