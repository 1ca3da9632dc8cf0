"""One virtual machine."""

from __future__ import annotations

from struct import Struct
from ctypes import Array, addressof, byref, c_char, c_int, c_void_p, create_string_buffer, string_at

from ._arguments import flags as bits
from ._arguments import int32, long64
from ._error import failure, raise_raised
from ._library import library, raised_in_calls
from ._statistics import MOST_STATISTICS, unpack_statistics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

    from ._connect import virConnect
    from ._memory import MemorySample
    from ._watch import Watch

# What the statistics calls fill: buffers in turn, as one that a thread or a signal handler's call uses is taken out.
_buffers: list[tuple[bytearray, int, Any]] = []

# virDomainInfo, virDomainControlInfo, virDomainJobInfo.
_INFO = Struct("B7xLLH6xQ")
_CONTROL_INFO = Struct("IIQ")
_JOB_INFO = Struct("i4x11Q")
_STATE = Struct("ii")
_LABEL_SIZE = 4097


def _new_buffer() -> tuple[bytearray, int, Any]:
    buffer = bytearray(16 * MOST_STATISTICS)
    view = (c_char * len(buffer)).from_buffer(buffer)
    return buffer, addressof(view), view


class virDomain:
    """A domain, from a lookup or list of a connection. It keeps its connection open.

    Sizes are in KiB. `memoryStats` says which numbers come from the guest's last report. Calls raise `libvirtError` on
    failure.
    """

    _conn: virConnect
    _o: int | None = None

    def __init__(self, *_arguments: object, **_named: object) -> None:
        # A number is no proof of a handle.
        raise TypeError("a virDomain comes from a connection's lookups and lists")

    def __del__(self) -> None:
        handle = self._o
        self._o = None
        # At the interpreter's end the module may be gone before its objects.
        if handle is not None and library is not None and not library.forked:
            library.virDomainFree(handle)

    def __repr__(self) -> str:
        handle = self._o
        name = None if handle is None or library.forked else library.virDomainGetName(handle)
        if name is None:
            return "<ballast.virDomain>"
        number = library.virDomainGetID(handle)
        return f"<ballast.virDomain {name.decode(errors='replace')!r}{f' id {number}' if number >= 0 else ''}>"

    def connect(self) -> virConnect:
        """The connection that the domain came from."""
        return self._conn

    def c_pointer(self) -> int:
        """The address of the C object, valid as long as this object lives."""
        return self._o or 0

    # Identity

    def name(self) -> str:
        """The name, unique among the connection's domains."""
        name: bytes | None = library.virDomainGetName(self._o)
        if name is None:
            raise failure("virDomainGetName")
        return name.decode(errors="replace")

    def UUID(self) -> bytes:
        """The UUID, as 16 bytes in printed order."""
        buffer = create_string_buffer(16)
        if library.virDomainGetUUID(self._o, buffer) < 0:
            raise failure("virDomainGetUUID")
        return buffer.raw

    def UUIDString(self) -> str:
        """The UUID as text, in lower case with hyphens."""
        buffer = create_string_buffer(37)
        if library.virDomainGetUUIDString(self._o, buffer) < 0:
            raise failure("virDomainGetUUIDString")
        return buffer.value.decode()

    def ID(self) -> int:
        """The id of a running domain, else -1. For a QEMU of this host it is the process id."""
        number: int = library.virDomainGetID(self._o)
        return number

    def OSType(self) -> str:
        """The OS type of the domain, such as "hvm"."""
        return self._text("virDomainGetOSType")

    # State

    def info(self) -> list[int]:
        """[state, maximum memory in KiB, current memory in KiB, virtual CPUs, CPU time in ns]."""
        buffer = create_string_buffer(_INFO.size)
        if library.virDomainGetInfo(self._o, buffer) < 0:
            raise failure("virDomainGetInfo")
        return list(_INFO.unpack(buffer))

    def state(self, flags: SupportsIndex = 0) -> list[int]:
        """[state, reason]: one of ``VIR_DOMAIN_RUNNING`` …, and a reason of that state, such as
        ``VIR_DOMAIN_RUNNING_BOOTED``."""
        buffer = create_string_buffer(8)
        address = addressof(buffer)
        if library.virDomainGetState(self._o, address, address + 4, bits(flags)) < 0:
            raise failure("virDomainGetState")
        return list(_STATE.unpack(buffer))

    def isActive(self) -> int:
        """1 if the domain is running or paused, else 0."""
        return self._number("virDomainIsActive")

    def isPersistent(self) -> int:
        """1 if the domain is still defined after it stops, else 0."""
        return self._number("virDomainIsPersistent")

    def isUpdated(self) -> int:
        """1 if the definition has changed while the domain was running, else 0."""
        return self._number("virDomainIsUpdated")

    def hasManagedSaveImage(self, flags: SupportsIndex = 0) -> int:
        """1 if the domain starts from a saved state, else 0."""
        return self._number("virDomainHasManagedSaveImage", bits(flags))

    def autostart(self) -> int:
        """1 if the domain starts with the daemon, else 0."""
        value = c_int()
        if library.virDomainGetAutostart(self._o, byref(value)) < 0:
            raise failure("virDomainGetAutostart")
        return value.value

    def setAutostart(self, autostart: SupportsIndex) -> int:
        """Sets whether the domain starts with the daemon."""
        return self._number("virDomainSetAutostart", int32(autostart))

    def controlInfo(self, flags: SupportsIndex = 0) -> list[int]:
        """[state, details, time]: the state of the control channel (``VIR_DOMAIN_CONTROL_…``), and its duration in ms."""
        buffer = create_string_buffer(_CONTROL_INFO.size)
        if library.virDomainGetControlInfo(self._o, buffer, bits(flags)) < 0:
            raise failure("virDomainGetControlInfo")
        return list(_CONTROL_INFO.unpack(buffer))

    def jobInfo(self) -> list[int]:
        """[kind of job, ms elapsed, ms remaining, and total, processed and remaining bytes of data, of memory, of files]."""
        buffer = create_string_buffer(_JOB_INFO.size)
        if library.virDomainGetJobInfo(self._o, buffer) < 0:
            raise failure("virDomainGetJobInfo")
        return list(_JOB_INFO.unpack(buffer))

    def messages(self, flags: SupportsIndex = 0) -> list[str]:
        """Warnings, such as a deprecated configuration."""
        array = c_void_p()
        count: int = library.virDomainGetMessages(self._o, byref(array), bits(flags))
        if count < 0:
            raise failure("virDomainGetMessages")
        try:
            return [library.take_text(pointer) for pointer in Struct(f"{count}P").unpack(string_at(array.value or 0, 8 * count))]
        finally:
            library.free(array)

    def securityLabel(self) -> list[str | bool]:
        """[security label, whether it is enforced] of the domain's process."""
        buffer = create_string_buffer(_LABEL_SIZE + 7)
        if library.virDomainGetSecurityLabel(self._o, buffer) < 0:
            raise failure("virDomainGetSecurityLabel")
        enforcing = int.from_bytes(buffer.raw[4100:4104], "little")
        return [buffer.value.decode(errors="replace"), bool(enforcing)]

    def XMLDesc(self, flags: SupportsIndex = 0) -> str:
        """The domain's definition, as XML."""
        return self._text("virDomainGetXMLDesc", bits(flags))

    # Memory

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

    def maxVcpus(self) -> int:
        """The maximum number of virtual CPUs."""
        return self._number("virDomainGetMaxVcpus")

    def setMaxMemory(self, memory: SupportsIndex) -> int:
        """Sets the maximum memory in KiB. The domain must not be running."""
        return self._number("virDomainSetMaxMemory", long64(memory))

    def setMemory(self, memory: SupportsIndex) -> int:
        """Sets the balloon target of a running guest, in KiB. The guest's driver moves the balloon as far as it can."""
        return self._number("virDomainSetMemory", long64(memory))

    def setMemoryFlags(self, memory: SupportsIndex, flags: SupportsIndex = 0) -> int:
        """The same with flags: ``VIR_DOMAIN_AFFECT_LIVE``, ``…_CONFIG``; ``VIR_DOMAIN_MEM_MAXIMUM`` sets the maximum."""
        return self._number("virDomainSetMemoryFlags", long64(memory), bits(flags))

    @property
    def memory(self) -> MemorySample:
        """A sample of the memory now: statistics, used memory, age, freshness, and the reason for each missing value.

        If the monitor does not answer or may not be used, the sample has a reason; this is not an error.
        """
        return self.memory_sample()

    def memory_sample(self, extended: bool = False) -> MemorySample:
        """The same; `extended` adds the six newer statistics (OOM kills, allocation stalls, scans, reclaims)."""
        from ._memory import take_sample

        return take_sample(library.ballastDomainGetMemorySample, "ballastDomainGetMemorySample", self, extended)

    def refresh_memory(self, extended: bool = False) -> MemorySample:
        """Makes the guest report now, within milliseconds, and returns the sample. The collection period does not change. If
        the guest does not answer in time, the sample has the old numbers, as stale. Raises `libvirtError` on read-only
        connections."""
        from ._memory import take_sample

        return take_sample(library.ballastDomainRefreshMemoryStats, "ballastDomainRefreshMemoryStats", self, extended)

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

        return Watch(self._conn, self, period, extended, reconnect)

    # Life

    def create(self) -> int:
        """Starts a defined domain that is not running."""
        return self._number("virDomainCreate")

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

    def reset(self, flags: SupportsIndex = 0) -> int:
        """Resets the machine, without asking the guest."""
        return self._number("virDomainReset", bits(flags))

    def destroy(self) -> int:
        """Stops the domain at once, without asking the guest."""
        return self._number("virDomainDestroy")

    def destroyFlags(self, flags: SupportsIndex = 0) -> int:
        """The same with flags. ``VIR_DOMAIN_DESTROY_GRACEFUL`` only terminates the process and never kills it."""
        return self._number("virDomainDestroyFlags", bits(flags))

    def _number(self, function: str, *arguments: int) -> int:
        result: int = getattr(library, function)(self._o, *arguments)
        if result < 0:
            raise failure(function)
        raise_raised()
        return result

    def _text(self, function: str, *arguments: int) -> str:
        pointer = getattr(library, function)(self._o, *arguments)
        if not pointer:
            raise failure(function)
        return library.take_text(pointer)


def adopt(conn: virConnect, handle: int) -> virDomain:
    """The domain of a handle that is ours to free."""
    domain: virDomain = object.__new__(virDomain)
    domain._conn = conn
    domain._o = handle
    return domain


def pack_domains(domains: list[virDomain]) -> Array[c_char]:
    """Their handles, ended by NULL."""
    for domain in domains:
        if not isinstance(domain, virDomain):
            raise TypeError(f"a virDomain is wanted, not {type(domain).__name__}")
    packed = Struct(f"{len(domains)}PP").pack(*(domain._o or 0 for domain in domains), 0)
    return create_string_buffer(packed, len(packed))


def share(conn: virConnect, handle: int) -> virDomain:
    """The domain of a handle that another object frees."""
    if library.virDomainRef(handle) < 0:
        raise failure("virDomainRef")
    return adopt(conn, handle)


def look_up(conn: virConnect, function: str, *arguments: Any) -> virDomain:
    """The domain that a lookup gives."""
    handle = getattr(library, function)(conn._o, *arguments)
    if not handle:
        raise failure(function)
    return adopt(conn, handle)
