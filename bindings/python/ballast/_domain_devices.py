"""A domain's disks and network interfaces."""

from __future__ import annotations

from struct import Struct
from ctypes import create_string_buffer

from ._arguments import flags as bits
from ._arguments import text
from ._calls import Calls
from ._error import failure
from ._library import library
from ._parameters import read_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

# virDomainBlockStats, virDomainBlockInfo, virDomainInterfaceStats.
_BLOCK_STATS = Struct("5q")
_BLOCK_INFO = Struct("3Q")
_INTERFACE_STATS = Struct("8q")


class DomainDevices(Calls):
    """What a domain's disks and network interfaces have done."""

    def blockStats(self, path: str | None) -> tuple[int, ...]:
        """(read requests, bytes read, write requests, bytes written, errors) of a disk, by its target or its source, of all
        disks together with ""; -1 for unknown."""
        buffer = create_string_buffer(_BLOCK_STATS.size)
        if library.virDomainBlockStats(self._o, text(path), buffer, len(buffer)) < 0:
            raise failure("virDomainBlockStats")
        return _BLOCK_STATS.unpack(buffer)

    def blockStatsFlags(self, path: str | None, flags: SupportsIndex = 0) -> dict[str, Any]:
        """A disk's counters by libvirt's names, of all disks together with ""."""
        name, mask = text(path), bits(flags)
        parameters = read_parameters(
            lambda array, count: int(library.virDomainBlockStatsFlags(self._o, name, array, count, mask))
        )
        if parameters is None:
            raise failure("virDomainBlockStatsFlags")
        return parameters

    def blockInfo(self, path: str | None, flags: SupportsIndex = 0) -> list[int]:
        """[capacity, allocation, physical size] of a disk, in bytes, by its target or its source."""
        buffer = create_string_buffer(_BLOCK_INFO.size)
        if library.virDomainGetBlockInfo(self._o, text(path), buffer, bits(flags)) < 0:
            raise failure("virDomainGetBlockInfo")
        return list(_BLOCK_INFO.unpack(buffer))

    def interfaceStats(self, path: str | None) -> tuple[int, ...]:
        """(bytes, packets, errors and drops received, then the same sent) of a network interface, as the guest sees it, by its
        name on the host; -1 for unknown."""
        buffer = create_string_buffer(_INTERFACE_STATS.size)
        if library.virDomainInterfaceStats(self._o, text(path), buffer, len(buffer)) < 0:
            raise failure("virDomainInterfaceStats")
        return _INTERFACE_STATS.unpack(buffer)
