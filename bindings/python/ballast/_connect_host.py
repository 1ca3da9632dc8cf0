"""The host that a connection's domains run on."""

from __future__ import annotations

from struct import Struct
from ctypes import byref, c_int, c_void_p, create_string_buffer, string_at

from ._arguments import flags as bits
from ._arguments import int32, text, unsigned32
from ._calls import ConnectCalls
from ._error import failure, libvirtError
from ._library import library
from ._parameters import read_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

    from ._host import HostMemory

# virNodeInfo, virSecurityModel.
_NODE_INFO = Struct("32sLIIIIII")
_SECURITY_MODEL = Struct("257s257s")

_MOST_CELLS = 10000


class ConnectHost(ConnectCalls):
    """What a host has, and how much of it is in use."""

    def getInfo(self) -> list[str | int]:
        """[CPU model, memory in MiB, CPUs, MHz, NUMA nodes, sockets per node, cores per socket, threads per core]."""
        buffer = create_string_buffer(_NODE_INFO.size)
        if library.virNodeGetInfo(self._o, buffer) < 0:
            raise failure("virNodeGetInfo")
        model, kib, *numbers = _NODE_INFO.unpack(buffer)
        return [model.partition(b"\0")[0].decode(errors="replace"), kib >> 10, *numbers]

    def getFreeMemory(self) -> int:
        """The host's free memory in bytes."""
        free: int = library.virNodeGetFreeMemory(self._o)
        if not free:
            raise failure("virNodeGetFreeMemory")
        return free

    def getCellsFreeMemory(self, startCell: SupportsIndex, maxCells: SupportsIndex) -> list[int]:
        """The free memory in bytes of at most `maxCells` NUMA nodes, starting with `startCell`."""
        start, room = int32(startCell), int32(maxCells)
        if start < 0 or room <= 0 or start + room > _MOST_CELLS:
            raise libvirtError("virNodeGetCellsFreeMemory() failed", use_last_error=False)
        cells = create_string_buffer(8 * room)
        count: int = library.virNodeGetCellsFreeMemory(self._o, cells, start, room)
        if count < 0:
            raise failure("virNodeGetCellsFreeMemory")
        return list(Struct(f"{count}Q").unpack_from(cells))

    def getMemoryStats(self, cellNum: SupportsIndex, flags: SupportsIndex = 0) -> dict[str, int]:
        """The host's memory in KiB ("total", "free", "buffers", "cached"), of one NUMA node, or of all with -1."""
        cell, mask = int32(cellNum), bits(flags)
        numbers = read_numbers(lambda array, count: int(library.virNodeGetMemoryStats(self._o, cell, array, count, mask)))
        if numbers is None:
            raise failure("virNodeGetMemoryStats")
        return numbers

    def getCPUStats(self, cpuNum: SupportsIndex, flags: SupportsIndex = 0) -> dict[str, int]:
        """The host's CPU time in ns ("kernel", "user", "idle", "iowait" …), of one CPU, or of all with -1."""
        cpu, mask = int32(cpuNum), bits(flags)
        numbers = read_numbers(lambda array, count: int(library.virNodeGetCPUStats(self._o, cpu, array, count, mask)))
        if numbers is None:
            raise failure("virNodeGetCPUStats")
        return numbers

    def getCPUMap(self, flags: SupportsIndex = 0) -> tuple[int, list[bool], int]:
        """(number of CPUs, online state of each CPU, number of online CPUs)."""
        cpus, online = c_void_p(), c_int()
        count: int = library.virNodeGetCPUMap(self._o, byref(cpus), byref(online), bits(flags))
        if count < 0:
            raise failure("virNodeGetCPUMap")
        bytes_ = string_at(cpus.value or 0, (count + 7) // 8)
        library.free(cpus)
        return count, [bool(bytes_[cpu // 8] >> cpu % 8 & 1) for cpu in range(count)], online.value

    def getFreePages(
        self, pages: list[int], startCell: SupportsIndex, maxCells: SupportsIndex, flags: SupportsIndex = 0
    ) -> dict[int, dict[int, int]]:
        """The free pages of at most `maxCells` NUMA nodes, of the sizes `pages` in KiB: {node: {size in KiB: count}}."""
        if not isinstance(pages, list):
            raise TypeError(f"pages must be a list, not {type(pages).__name__}")
        start, cells = int32(startCell), min(bits(maxCells), _MOST_CELLS)  # There is room for each, and no host has more.
        if not cells:
            raise LookupError("maxCells must not be 0")
        sizes = [unsigned32(size) for size in pages]
        packed = Struct(f"{len(sizes)}I").pack(*sizes)
        counts = create_string_buffer(8 * max(1, len(sizes) * cells))
        filled: int = library.virNodeGetFreePages(self._o, len(sizes), packed, start, cells, counts, bits(flags))
        if filled < 0:
            raise failure("virNodeGetFreePages")
        numbers = Struct(f"{filled}Q").unpack_from(counts)
        width = len(sizes)
        return {start + at // width: dict(zip(sizes, numbers[at : at + width])) for at in range(0, filled, width)}

    def getCPUModelNames(self, arch: str, flags: SupportsIndex = 0) -> list[str]:
        """The CPU models that domains of an architecture can have; none if all that the hypervisor knows can be used."""
        if arch is None:
            raise TypeError("arch must be str, not None")
        array = c_void_p()
        count: int = library.virConnectGetCPUModelNames(self._o, text(arch), byref(array), bits(flags))
        if count < 0:
            raise failure("virConnectGetCPUModelNames")
        try:
            return [library.take_text(pointer) for pointer in Struct(f"{count}P").unpack(string_at(array.value or 0, 8 * count))]
        finally:
            library.free(array)

    def listAllStoragePools(self, flags: SupportsIndex = 0) -> list[Any]:
        """The storage pools: none. Raises `libvirtError` (``VIR_ERR_NO_SUPPORT``) if the daemon has some."""
        array = c_void_p()
        if library.virConnectListAllStoragePools(self._o, byref(array), bits(flags)) < 0:
            raise failure("virConnectListAllStoragePools")
        library.free(array)
        return []

    def getSecurityModel(self) -> list[str]:
        """[model, domain of interpretation] of the security labels of domains."""
        buffer = create_string_buffer(_SECURITY_MODEL.size)
        if library.virNodeGetSecurityModel(self._o, buffer) < 0:
            raise failure("virNodeGetSecurityModel")
        return [part.partition(b"\0")[0].decode(errors="replace") for part in _SECURITY_MODEL.unpack(buffer)]

    def host_memory(self, control_group: str | None = None) -> HostMemory:
        """The host's memory, swap and memory pressure, and the limits of a memory control group.

        `control_group` is its path below the directory where control groups are mounted, such as "machine.slice".
        libvirt's daemon does not report most of this: `HostMemory.reason` is then `Reason.UNSUPPORTED_BY_DAEMON`, and a
        control group raises `libvirtError` (``VIR_ERR_NO_SUPPORT``). ballastd reports all.
        """
        from ._host import take_host_memory

        return take_host_memory(self._itself, control_group)

    async def host_memory_async(self, control_group: str | None = None) -> HostMemory:
        """`host_memory`, without blocking the event loop."""
        from ._asynchronous import in_thread

        return await in_thread(self.host_memory, control_group)
