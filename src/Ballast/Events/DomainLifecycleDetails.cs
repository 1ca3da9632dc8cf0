namespace Ballast;

/// <summary>libvirt's details of lifecycle events, as far as a driver gives them. <see cref="DomainLifecycleLabels"/> has the words for all.</summary>
internal static class DomainLifecycleDetails
{
    internal static class Defined
    {
        public const int Added = 0, Updated = 1, Renamed = 2;
    }

    internal static class Undefined
    {
        public const int Removed = 0, Renamed = 1;
    }

    internal static class Started
    {
        public const int Booted = 0, Wakeup = 4;
    }

    internal static class Suspended
    {
        public const int Paused = 0, Migrated = 1, IOError = 2, Watchdog = 3;
    }

    internal static class Resumed
    {
        public const int Unpaused = 0, Migrated = 1;
    }

    internal static class Stopped
    {
        public const int Shutdown = 0, Destroyed = 1, Saved = 4, Failed = 5;
    }

    internal static class Shutdown
    {
        public const int Finished = 0, ByGuest = 1, ByHost = 2;
    }

    internal static class PMSuspended
    {
        public const int Memory = 0, Disk = 1;
    }

    internal static class Crashed
    {
        public const int Panicked = 0, Crashloaded = 1;
    }
}
