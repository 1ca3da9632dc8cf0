"""One virtual machine."""

from __future__ import annotations

from struct import Struct
from ctypes import Array, addressof, byref, c_char, c_int, c_void_p, create_string_buffer, string_at

from ._arguments import flags as bits
from ._arguments import int32, long64, text
from ._error import failure, raise_raised
from ._library import Handle, library, raised_in_calls
from ._parameters import read_parameters, take_parameters
from ._statistics import MOST_STATISTICS, unpack_statistics
from ._unserved import add_methods

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

# virVcpuInfo, virDomainBlockStats, virDomainBlockInfo, virDomainInterfaceStats.
_VCPU = Struct("IiQi4x")
_BLOCK_STATS = Struct("5q")
_BLOCK_INFO = Struct("3Q")
_INTERFACE_STATS = Struct("8q")
_LABEL_SIZE = 4097


def _new_buffer() -> tuple[bytearray, int, Any]:
    buffer = bytearray(16 * MOST_STATISTICS)
    view = (c_char * len(buffer)).from_buffer(buffer)
    return buffer, addressof(view), view


class virDomain(Handle):
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

    def jobStats(self, flags: SupportsIndex = 0) -> dict[str, Any]:
        """The numbers of the background job by libvirt's names, with its kind as ``type``."""
        kind, array, count = c_int(), c_void_p(), c_int()
        if library.virDomainGetJobStats(self._o, byref(kind), byref(array), byref(count), bits(flags)) < 0:
            raise failure("virDomainGetJobStats")
        statistics: dict[str, Any] = {"type": kind.value}
        if array.value:
            statistics.update(take_parameters(array.value, count.value))
            library.free(array)
        return statistics

    def metadata(self, type: SupportsIndex, uri: str | None, flags: SupportsIndex = 0) -> str:
        """The description, the title, or the XML element of a namespace (``VIR_DOMAIN_METADATA_…``)."""
        return self._text("virDomainGetMetadata", int32(type), text(uri), bits(flags))

    def setMetadata(
        self, type: SupportsIndex, metadata: str | None, key: str | None, uri: str | None, flags: SupportsIndex = 0
    ) -> int:
        """Sets the description, the title, or the XML element of a namespace `uri`, with the prefix `key`; None removes it.
        Flags: ``VIR_DOMAIN_AFFECT_LIVE``, ``…_CONFIG``."""
        return self._number("virDomainSetMetadata", int32(type), text(metadata), text(key), text(uri), bits(flags))

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

    def vcpusFlags(self, flags: SupportsIndex = 0) -> int:
        """The number of virtual CPUs; with ``VIR_DOMAIN_VCPU_MAXIMUM`` their maximum."""
        return self._number("virDomainGetVcpusFlags", bits(flags))

    def setVcpus(self, nvcpus: SupportsIndex) -> int:
        """Sets the number of virtual CPUs of a running domain, at most `maxVcpus`."""
        return self._number("virDomainSetVcpus", bits(nvcpus))

    def setVcpusFlags(self, nvcpus: SupportsIndex, flags: SupportsIndex = 0) -> int:
        """The same with flags: ``VIR_DOMAIN_VCPU_LIVE``, ``…_CONFIG``; ``VIR_DOMAIN_VCPU_MAXIMUM`` sets the maximum."""
        return self._number("virDomainSetVcpusFlags", bits(nvcpus), bits(flags))

    def vcpus(self) -> tuple[list[tuple[int, ...]], list[tuple[bool, ...]]]:
        """([(number, state, CPU time in ns, host CPU) …], [which host CPUs it may run on …]) of the virtual CPUs."""
        cpus, room = self._host_cpus(), self.info()[3]
        length = (cpus + 7) // 8
        info, maps = create_string_buffer(_VCPU.size * room), create_string_buffer(length * room)
        count: int = library.virDomainGetVcpus(self._o, info, room, maps, length)
        if count < 0:
            raise failure("virDomainGetVcpus")
        return list(_VCPU.iter_unpack(info.raw[: _VCPU.size * count])), _maps(maps.raw, count, length, cpus)

    def vcpuPinInfo(self, flags: SupportsIndex = 0) -> list[tuple[bool, ...]]:
        """Which host CPUs each virtual CPU may run on; with ``VIR_DOMAIN_AFFECT_CONFIG`` as it is defined."""
        cpus, room = self._host_cpus(), self.info()[3]
        length = (cpus + 7) // 8
        maps = create_string_buffer(length * room)
        count: int = library.virDomainGetVcpuPinInfo(self._o, room, maps, length, bits(flags))
        if count < 0:
            raise failure("virDomainGetVcpuPinInfo")
        return _maps(maps.raw, count, length, cpus)

    def memoryParameters(self, flags: SupportsIndex = 0) -> dict[str, Any]:
        """The host's memory limits in KiB: "hard_limit", "soft_limit", "swap_hard_limit"; very large numbers for none."""
        return self._parameters("virDomainGetMemoryParameters", flags)

    def numaParameters(self, flags: SupportsIndex = 0) -> dict[str, Any]:
        """The NUMA nodes of the host that the memory may use: "numa_mode", "numa_nodeset"."""
        return self._parameters("virDomainGetNumaParameters", flags)

    def schedulerType(self) -> tuple[str, int]:
        """(kind of the host's scheduler, number of its parameters)."""
        count = c_int()
        pointer = library.virDomainGetSchedulerType(self._o, byref(count))
        if not pointer:
            raise failure("virDomainGetSchedulerType")
        return library.take_text(pointer), count.value

    def schedulerParameters(self) -> dict[str, Any]:
        """The parameters of the host's scheduler for the domain: ``cpu_shares`` or ``weight`` (a share among domains), periods
        and quotas in µs."""
        return self._scheduler_parameters("virDomainGetSchedulerParameters")

    def schedulerParametersFlags(self, flags: SupportsIndex = 0) -> dict[str, Any]:
        """The same, of the running domain or its definition (``VIR_DOMAIN_AFFECT_LIVE``, ``…_CONFIG``)."""
        return self._scheduler_parameters("virDomainGetSchedulerParametersFlags", bits(flags))

    def getCPUStats(self, total: bool, flags: SupportsIndex = 0) -> list[dict[str, Any]]:
        """The CPU time in ns on each CPU of the host, or with `total` on all of them together."""
        mask = bits(flags)
        cpus: int = 1 if total else library.virDomainGetCPUStats(self._o, None, 0, 0, 0, mask)
        each: int = -1 if cpus < 0 else library.virDomainGetCPUStats(self._o, None, 0, -1 if total else 0, 1, mask)
        if each < 0:
            raise failure("virDomainGetCPUStats")
        statistics: list[dict[str, Any]] = []
        while len(statistics) < cpus:
            step = min(128, cpus - len(statistics))
            array = create_string_buffer(96 * max(each, 1) * step)
            if each:
                start = -1 if total else len(statistics)
                if library.virDomainGetCPUStats(self._o, array, each, start, step, mask) < 0:
                    raise failure("virDomainGetCPUStats")
            statistics += [take_parameters(addressof(array) + 96 * each * cpu, each) for cpu in range(step)]
        return statistics

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

    def startDirtyRateCalc(self, seconds: SupportsIndex, flags: SupportsIndex = 0) -> int:
        """Makes the hypervisor measure for 1 to 60 `seconds` how fast the guest writes to its memory, and returns at once. The
        result is then in the group ``VIR_DOMAIN_STATS_DIRTYRATE`` of `virConnect.getAllDomainStats`."""
        return self._number("virDomainStartDirtyRateCalc", int32(seconds), bits(flags))

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

    def _number(self, function: str, *arguments: Any) -> int:
        result: int = getattr(library, function)(self._o, *arguments)
        if result < 0:
            raise failure(function)
        raise_raised()
        return result

    def _host_cpus(self) -> int:
        count: int = library.virNodeGetCPUMap(self._conn._o, None, None, 0)
        if count < 0:
            raise failure("virNodeGetCPUMap")
        return count

    def _parameters(self, function: str, flags: SupportsIndex) -> dict[str, Any]:
        mask = bits(flags)
        parameters = read_parameters(lambda array, count: int(getattr(library, function)(self._o, array, count, mask)))
        if parameters is None:
            raise failure(function)
        return parameters

    def _scheduler_parameters(self, function: str, *arguments: int) -> dict[str, Any]:
        kinds = self.schedulerType()[1]

        def call(array: Any, length: Any) -> int:
            if array is None:  # Their number is known already.
                length.raw = kinds.to_bytes(4, "little")
                return 0
            return int(getattr(library, function)(self._o, array, length, *arguments))

        parameters = read_parameters(call)
        if parameters is None:
            raise failure(function)
        return parameters

    def _text(self, function: str, *arguments: Any) -> str:
        pointer = getattr(library, function)(self._o, *arguments)
        if not pointer:
            raise failure(function)
        return library.take_text(pointer)


add_methods(virDomain)


def _maps(raw: bytes, count: int, length: int, cpus: int) -> list[tuple[bool, ...]]:
    """Decodes maps of host CPUs that follow one another."""
    return [tuple(bool(raw[number * length + cpu // 8] >> cpu % 8 & 1) for cpu in range(cpus)) for number in range(count)]


def adopt(conn: virConnect, handle: int) -> virDomain:
    """Makes a domain from a handle that it then owns."""
    domain: virDomain = object.__new__(virDomain)
    domain._conn = conn
    domain._o = handle
    return domain


def pack_domains(domains: list[virDomain]) -> Array[c_char]:
    """Packs the handles of domains into an array, terminated by NULL."""
    for domain in domains:
        if not isinstance(domain, virDomain):
            raise TypeError(f"a virDomain is wanted, not {type(domain).__name__}")
    packed = Struct(f"{len(domains)}PP").pack(*(domain._o or 0 for domain in domains), 0)
    return create_string_buffer(packed, len(packed))


def share(conn: virConnect, handle: int) -> virDomain:
    """Makes a domain from a handle that another object owns."""
    if library.virDomainRef(handle) < 0:
        raise failure("virDomainRef")
    return adopt(conn, handle)


def look_up(conn: virConnect, function: str, *arguments: Any) -> virDomain:
    """Calls a function that looks a domain up or creates one, and returns the domain."""
    handle = getattr(library, function)(conn._o, *arguments)
    if not handle:
        raise failure(function)
    return adopt(conn, handle)
