"""A domain's life, from its start to its end."""

from __future__ import annotations

from ._arguments import flags as bits
from ._arguments import text
from ._calls import Calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import SupportsIndex


class DomainLife(Calls):
    """Starts, stops and pauses a domain, and keeps or forgets its definition."""

    def create(self) -> int:
        """Starts a defined domain that is not running."""
        return self._number("virDomainCreate")

    def createWithFlags(self, flags: SupportsIndex = 0) -> int:
        """The same with flags, such as ``VIR_DOMAIN_START_PAUSED`` or ``VIR_DOMAIN_START_AUTODESTROY``."""
        return self._number("virDomainCreateWithFlags", bits(flags))

    def undefine(self) -> int:
        """Forgets the definition: a domain that is not running is gone, one that is running is gone after it stops."""
        return self._number("virDomainUndefine")

    def undefineFlags(self, flags: SupportsIndex = 0) -> int:
        """The same with flags. ``VIR_DOMAIN_UNDEFINE_MANAGED_SAVE`` removes the saved state too, which otherwise
        prevents it."""
        return self._number("virDomainUndefineFlags", bits(flags))

    def rename(self, new_name: str | None, flags: SupportsIndex = 0) -> int:
        """Gives a domain that is not running a name that no other one has."""
        return self._number("virDomainRename", text(new_name), bits(flags))

    def managedSave(self, flags: SupportsIndex = 0) -> int:
        """Stops the domain and saves its state, from which it starts next."""
        return self._number("virDomainManagedSave", bits(flags))

    def managedSaveRemove(self, flags: SupportsIndex = 0) -> int:
        """Removes the saved state, so the domain boots when it starts next."""
        return self._number("virDomainManagedSaveRemove", bits(flags))

    def suspend(self) -> int:
        """Pauses the domain. Its guest does not report until it is resumed."""
        return self._number("virDomainSuspend")

    def resume(self) -> int:
        """Resumes a paused domain."""
        return self._number("virDomainResume")

    def shutdown(self) -> int:
        """Asks the guest to shut down."""
        return self._number("virDomainShutdown")

    def shutdownFlags(self, flags: SupportsIndex = 0) -> int:
        """The same, with a method from ``VIR_DOMAIN_SHUTDOWN_…``."""
        return self._number("virDomainShutdownFlags", bits(flags))

    def reboot(self, flags: SupportsIndex = 0) -> int:
        """Asks the guest to reboot."""
        return self._number("virDomainReboot", bits(flags))

    def pMWakeup(self, flags: SupportsIndex = 0) -> int:
        """Wakes a guest that suspended itself to memory."""
        return self._number("virDomainPMWakeup", bits(flags))

    def reset(self, flags: SupportsIndex = 0) -> int:
        """Resets the machine, without asking the guest."""
        return self._number("virDomainReset", bits(flags))

    def destroy(self) -> int:
        """Stops the domain at once, without asking the guest."""
        return self._number("virDomainDestroy")

    def destroyFlags(self, flags: SupportsIndex = 0) -> int:
        """The same with flags. ``VIR_DOMAIN_DESTROY_GRACEFUL`` only terminates the process and never kills it."""
        return self._number("virDomainDestroyFlags", bits(flags))
