"""A domain's memory and its balloon."""

from __future__ import annotations

from ctypes import addressof, c_char

from ._arguments import flags as bits
from ._arguments import int32, long64
from ._calls import DomainCalls
from ._error import failure, raise_raised
from ._library import library, raised_in_calls
from ._parameters import read_parameters
from ._statistics import MOST_STATISTICS, unpack_statistics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

    from ._memory import MemorySample
    from ._watch import Watch

# What the statistics calls fill: buffers in turn, as one that a thread or a signal handler's call uses is taken out.
_buffers: list[tuple[bytearray, int, Any]] = []


def _new_buffer() -> tuple[bytearray, int, Any]:
    buffer = bytearray(16 * MOST_STATISTICS)
    view = (c_char * len(buffer)).from_buffer(buffer)
    return buffer, addressof(view), view


class DomainMemory(DomainCalls):
    """What a domain has and uses of memory, and what may change that."""

    def memoryStats(self) -> dict[str, int]:
        """The available memory statistics. Statistics that are not reported are absent.

        In KiB: ``actual`` is the balloon's current size, and ``rss`` is the resident memory of the domain's process on
        the host. The guest reports ``available`` (MemTotal), ``usable`` (MemAvailable), ``unused`` (MemFree),
        ``disk_caches``, and ``swap_in`` and ``swap_out`` since boot. Counts since boot: ``major_fault``,
        ``minor_fault``, ``hugetlb_pgalloc``, ``hugetlb_pgfail``. ``last_update`` is the time of the guest's last report
        in Unix seconds, 0 for none. A statistic without a name has its number as key, such as '4711'. The order is the
        hypervisor's.
        """
        buffers = _buffers
        try:
            buffer = buffers.pop()
        except IndexError:
            buffer = _new_buffer()
        count = library.virDomainMemoryStats(self._o, buffer[1], MOST_STATISTICS, 0)
        if count < 0:
            buffers.append(buffer)
            raise failure("virDomainMemoryStats")
        statistics = unpack_statistics(buffer[0], count)
        buffers.append(buffer)
        if raised_in_calls:
            raise_raised()
        return statistics

    def setMemoryStatsPeriod(self, period: SupportsIndex, flags: SupportsIndex = 0) -> int:
        """Sets the collection period in seconds, 1 to 2147483647; 0 turns collection off."""
        return self._number("virDomainSetMemoryStatsPeriod", int32(period), bits(flags))

    def maxMemory(self) -> int:
        """The maximum memory in KiB."""
        size: int = library.virDomainGetMaxMemory(self._o)
        if not size:
            raise failure("virDomainGetMaxMemory")
        return size

    def setMaxMemory(self, memory: SupportsIndex) -> int:
        """Sets the maximum memory in KiB. The domain must not be running."""
        return self._number("virDomainSetMaxMemory", long64(memory))

    def setMemory(self, memory: SupportsIndex) -> int:
        """Sets the balloon target of a running guest, in KiB. The guest's driver moves the balloon as far as it can."""
        return self._number("virDomainSetMemory", long64(memory))

    def setMemoryFlags(self, memory: SupportsIndex, flags: SupportsIndex = 0) -> int:
        """The same with flags: ``VIR_DOMAIN_AFFECT_LIVE``, ``…_CONFIG``; ``VIR_DOMAIN_MEM_MAXIMUM`` sets the maximum."""
        return self._number("virDomainSetMemoryFlags", long64(memory), bits(flags))

    def memoryParameters(self, flags: SupportsIndex = 0) -> dict[str, Any]:
        """The host's memory limits in KiB: "hard_limit", "soft_limit", "swap_hard_limit"; very large numbers for none."""
        return _read(self._o, "virDomainGetMemoryParameters", bits(flags))

    def numaParameters(self, flags: SupportsIndex = 0) -> dict[str, Any]:
        """The NUMA nodes of the host that the memory may use: "numa_mode", "numa_nodeset"."""
        return _read(self._o, "virDomainGetNumaParameters", bits(flags))

    def startDirtyRateCalc(self, seconds: SupportsIndex, flags: SupportsIndex = 0) -> int:
        """Makes the hypervisor measure for 1 to 60 `seconds` how fast the guest writes to its memory, and returns at once. The
        result is then in the group ``VIR_DOMAIN_STATS_DIRTYRATE`` of `virConnect.getAllDomainStats`."""
        return self._number("virDomainStartDirtyRateCalc", int32(seconds), bits(flags))

    @property
    def memory(self) -> MemorySample:
        """A sample of the memory now: statistics, used memory, age, freshness, and the reason for each missing value.

        If the monitor does not answer or may not be used, the sample has a reason; this is not an error.
        """
        return self.memory_sample()

    def memory_sample(self, extended: bool = False) -> MemorySample:
        """The same; `extended` adds the six newer statistics (OOM kills, allocation stalls, scans, reclaims)."""
        from ._memory import take_sample

        return take_sample(library.ballastDomainGetMemorySample, "ballastDomainGetMemorySample", self._itself, extended)

    def refresh_memory(self, extended: bool = False) -> MemorySample:
        """Makes the guest report now, within milliseconds, and returns the sample. The collection period does not change. If
        the guest does not answer in time, the sample has the old numbers, as stale. Raises `libvirtError` on read-only
        connections."""
        from ._memory import take_sample

        return take_sample(library.ballastDomainRefreshMemoryStats, "ballastDomainRefreshMemoryStats", self._itself, extended)

    def memory_stats_period(self) -> int:
        """The collection period in seconds; 0: collection is off."""
        return self._number("ballastDomainGetMemoryStatsPeriod", 0)

    async def memory_sample_async(self, extended: bool = False) -> MemorySample:
        """`memory_sample`, without blocking the event loop."""
        from ._asynchronous import in_thread

        return await in_thread(self.memory_sample, extended)

    async def refresh_memory_async(self, extended: bool = False) -> MemorySample:
        """`refresh_memory`, without blocking the event loop."""
        from ._asynchronous import in_thread

        return await in_thread(self.refresh_memory, extended)

    def watch(self, period: float, extended: bool = False, reconnect: float = 60.0) -> Watch:
        """Samples at once and then every `period` seconds (at least 0.001), for ``for`` or ``async for``. There are none
        while the domain is not running. For `reconnect`, see `virConnect.watch`."""
        from ._watch import Watch

        domain = self._itself
        return Watch(domain._conn, domain, period, extended, reconnect)


def _read(domain: int | None, function: str, flags: int) -> dict[str, Any]:
    parameters = read_parameters(lambda array, count: int(getattr(library, function)(domain, array, count, flags)))
    if parameters is None:
        raise failure(function)
    return parameters
