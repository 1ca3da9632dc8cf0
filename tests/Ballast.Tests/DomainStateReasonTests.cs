namespace Ballast.Tests;

/// <summary>libvirt's numbers are those whose words virsh prints.</summary>
public sealed class DomainStateReasonTests
{
    [Theory]
    [InlineData(DomainState.Running, DomainStateReasons.Running.Booted, "booted")]
    [InlineData(DomainState.Running, DomainStateReasons.Running.Migrated, "migrated")]
    [InlineData(DomainState.Running, DomainStateReasons.Running.Unpaused, "unpaused")]
    [InlineData(DomainState.Running, DomainStateReasons.Running.Wakeup, "event wakeup")]
    [InlineData(DomainState.Paused, DomainStateReasons.Paused.User, "user")]
    [InlineData(DomainState.Paused, DomainStateReasons.Paused.Migration, "migrating")]
    [InlineData(DomainState.Paused, DomainStateReasons.Paused.Save, "saving")]
    [InlineData(DomainState.Paused, DomainStateReasons.Paused.IOError, "I/O error")]
    [InlineData(DomainState.Paused, DomainStateReasons.Paused.Watchdog, "watchdog")]
    [InlineData(DomainState.Paused, DomainStateReasons.Paused.Crashed, "crashed")]
    [InlineData(DomainState.Shutoff, DomainStateReasons.Shutoff.Shutdown, "shutdown")]
    [InlineData(DomainState.Shutoff, DomainStateReasons.Shutoff.Destroyed, "destroyed")]
    [InlineData(DomainState.Shutoff, DomainStateReasons.Shutoff.Saved, "saved")]
    [InlineData(DomainState.Crashed, DomainStateReasons.Crashed.Panicked, "panicked")]
    public void A_reason_has_virshs_word(DomainState state, int reason, string word) =>
        Assert.Equal(word, new DomainStateInfo(state, reason).ReasonLabel);

    [Theory]
    [InlineData(DomainLifecycleChange.Defined, DomainLifecycleDetails.Defined.Added, "Added")]
    [InlineData(DomainLifecycleChange.Defined, DomainLifecycleDetails.Defined.Updated, "Updated")]
    [InlineData(DomainLifecycleChange.Defined, DomainLifecycleDetails.Defined.Renamed, "Renamed")]
    [InlineData(DomainLifecycleChange.Undefined, DomainLifecycleDetails.Undefined.Removed, "Removed")]
    [InlineData(DomainLifecycleChange.Undefined, DomainLifecycleDetails.Undefined.Renamed, "Renamed")]
    [InlineData(DomainLifecycleChange.Started, DomainLifecycleDetails.Started.Booted, "Booted")]
    [InlineData(DomainLifecycleChange.Started, DomainLifecycleDetails.Started.Wakeup, "Event wakeup")]
    [InlineData(DomainLifecycleChange.Suspended, DomainLifecycleDetails.Suspended.Paused, "Paused")]
    [InlineData(DomainLifecycleChange.Suspended, DomainLifecycleDetails.Suspended.Migrated, "Migrated")]
    [InlineData(DomainLifecycleChange.Suspended, DomainLifecycleDetails.Suspended.IOError, "I/O Error")]
    [InlineData(DomainLifecycleChange.Suspended, DomainLifecycleDetails.Suspended.Watchdog, "Watchdog")]
    [InlineData(DomainLifecycleChange.Resumed, DomainLifecycleDetails.Resumed.Unpaused, "Unpaused")]
    [InlineData(DomainLifecycleChange.Resumed, DomainLifecycleDetails.Resumed.Migrated, "Migrated")]
    [InlineData(DomainLifecycleChange.Stopped, DomainLifecycleDetails.Stopped.Shutdown, "Shutdown")]
    [InlineData(DomainLifecycleChange.Stopped, DomainLifecycleDetails.Stopped.Destroyed, "Destroyed")]
    [InlineData(DomainLifecycleChange.Stopped, DomainLifecycleDetails.Stopped.Saved, "Saved")]
    [InlineData(DomainLifecycleChange.Stopped, DomainLifecycleDetails.Stopped.Failed, "Failed")]
    [InlineData(DomainLifecycleChange.Shutdown, DomainLifecycleDetails.Shutdown.Finished, "Finished")]
    [InlineData(DomainLifecycleChange.Shutdown, DomainLifecycleDetails.Shutdown.ByGuest, "Finished after guest request")]
    [InlineData(DomainLifecycleChange.Shutdown, DomainLifecycleDetails.Shutdown.ByHost, "Finished after host request")]
    [InlineData(DomainLifecycleChange.PMSuspended, DomainLifecycleDetails.PMSuspended.Memory, "Memory")]
    [InlineData(DomainLifecycleChange.PMSuspended, DomainLifecycleDetails.PMSuspended.Disk, "Disk")]
    [InlineData(DomainLifecycleChange.Crashed, DomainLifecycleDetails.Crashed.Panicked, "Panicked")]
    [InlineData(DomainLifecycleChange.Crashed, DomainLifecycleDetails.Crashed.Crashloaded, "Crashloaded")]
    public void An_events_detail_has_virshs_word(DomainLifecycleChange change, int detail, string word) =>
        Assert.Equal(word, DomainLifecycleLabels.Detail(change, detail));
}
