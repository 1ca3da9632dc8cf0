"""A connection to a hypervisor or a daemon."""

from __future__ import annotations

from struct import Struct
from ctypes import byref, c_int, c_ulong, c_void_p, create_string_buffer, string_at

from ._arguments import flags as bits
from ._arguments import int32, text, unsigned32
from ._domain import adopt, look_up, pack_domains, share, virDomain
from ._error import failure, libvirtError, raise_raised, unpack_error
from ._library import Handle, library
from ._parameters import read_numbers, unpack_parameters
from ._unserved import add_methods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator, SupportsIndex

    from ._error import ErrorTuple
    from ._host import HostMemory, ProcessMemory
    from ._memory import MemorySample
    from ._watch import Watch

# virNodeInfo, virSecurityModel, virDomainStatsRecord.
_NODE_INFO = Struct("32sLIIIIII")
_SECURITY_MODEL = Struct("257s257s")
_RECORD = Struct("PPi4x")

_MOST_CELLS = 10000


class virConnect(Handle):
    """A connection, from `open`, `openReadOnly` or `openAuth`. Iteration yields its domains. At the end of a ``with``
    block it is closed for all objects that came from it: calls on its domains raise `libvirtError`
    (``VIR_ERR_INVALID_CONN``), its watches end, and it no longer holds any monitor.

    Calls raise `libvirtError` on failure.
    """

    _o: int | None = None
    _name: str | None = None
    _again: Any
    _listeners: dict[Any, Any] | None = None
    _close_callback: int | None = None

    def __init__(self, *_arguments: object, **_named: object) -> None:
        # A number is no proof of a handle.
        raise TypeError("a virConnect comes from open, openReadOnly or openAuth")

    def __del__(self) -> None:
        handle = self._o
        self._o = None
        # At the interpreter's end the module may be gone before its objects.
        if handle is not None and library is not None and not library.forked:
            library.virConnectClose(handle)

    def __enter__(self) -> virConnect:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._o is not None:
            self._end()

    async def __aenter__(self) -> virConnect:
        return self

    async def __aexit__(self, *_error: object) -> None:
        from ._asynchronous import in_thread

        if self._o is not None:
            await in_thread(self._end)

    def __iter__(self) -> Iterator[virDomain]:
        return iter(self.listAllDomains())

    def __repr__(self) -> str:
        if self._o is None:
            return f"<ballast.virConnect{'' if self._name is None else f' {self._name!r}'}, closed>"
        name = self._name
        if name is None and not library.forked:
            pointer = library.virConnectGetURI(self._o)
            name = library.take_text(pointer) if pointer else None
        return f"<ballast.virConnect{'' if name is None else f' {name!r}'}>"

    def _end(self) -> None:
        failed = library.ballastConnectShutdown(self._o) < 0
        error = failure("ballastConnectShutdown") if failed else None
        self.close()
        if error is not None:
            raise error

    def close(self) -> int:
        """Closes the connection, which ends with its last domain object. Returns the number of remaining users."""
        handle = self._o
        result: int = library.virConnectClose(handle)
        self._o = None
        if result < 0:
            raise failure("virConnectClose")
        return result

    def c_pointer(self) -> int:
        """The address of the C object, valid as long as this object lives; 0 after close."""
        return self._o or 0

    # Who it is

    def getType(self) -> str:
        """The kind of hypervisor: "QEMU", "TEST" …"""
        name: bytes | None = library.virConnectGetType(self._o)
        if name is None:
            raise failure("virConnectGetType")
        return name.decode(errors="replace")

    def getVersion(self) -> int:
        """The hypervisor's version: 1000000 * major + 1000 * minor + release."""
        return self._version("virConnectGetVersion")

    def getLibVersion(self) -> int:
        """The libvirt version of the other side, in the same form."""
        return self._version("virConnectGetLibVersion")

    def getHostname(self) -> str:
        """The name of the host that the domains run on."""
        return self._text("virConnectGetHostname")

    def getURI(self) -> str:
        """The URI of this connection; `open` accepts it."""
        return self._text("virConnectGetURI")

    def getCapabilities(self) -> str:
        """The capabilities of the host and the hypervisor, as XML."""
        return self._text("virConnectGetCapabilities")

    def getSysinfo(self, flags: SupportsIndex = 0) -> str:
        """The host's description of itself (SMBIOS), as XML."""
        return self._text("virConnectGetSysinfo", bits(flags))

    def getMaxVcpus(self, type: str | None) -> int:
        """The maximum number of virtual CPUs of a domain of this type."""
        return self._number("virConnectGetMaxVcpus", text(type))

    def isAlive(self) -> int:
        """1 if the connection is alive, else 0."""
        return self._number("virConnectIsAlive")

    def isEncrypted(self) -> int:
        """1 if the connection is encrypted, else 0."""
        return self._number("virConnectIsEncrypted")

    def isSecure(self) -> int:
        """1 if the connection is secure (encrypted or local), else 0."""
        return self._number("virConnectIsSecure")

    def setKeepAlive(self, interval: SupportsIndex, count: SupportsIndex) -> int:
        """Has no effect, because the library pings daemons by itself. Returns 0. Raises `libvirtError`
        (``VIR_ERR_NO_SUPPORT``) if the connection does not use a daemon."""
        return self._number("virConnectSetKeepAlive", int32(interval), bits(count))

    # The host

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

    # Domains

    def lookupByName(self, name: str | None) -> virDomain:
        """The domain with this name. Raises `libvirtError` (``VIR_ERR_NO_DOMAIN``) if there is none."""
        return look_up(self, "virDomainLookupByName", text(name))

    def lookupByID(self, id: SupportsIndex) -> virDomain:
        """The running domain with this id."""
        return look_up(self, "virDomainLookupByID", int32(id))

    def lookupByUUID(self, uuid: bytes | str | None) -> virDomain:
        """The domain with this UUID, as 16 bytes."""
        # A number must not become as many zeros, as bytes() would make of it.
        raw = b"" if uuid is None else uuid.encode() if isinstance(uuid, str) else bytes(memoryview(uuid))
        if len(raw) != 16:
            raise libvirtError("virDomainLookupByUUID() failed", use_last_error=False)
        return look_up(self, "virDomainLookupByUUID", raw)

    def lookupByUUIDString(self, uuidstr: str | None) -> virDomain:
        """The domain with this UUID, as text."""
        return look_up(self, "virDomainLookupByUUIDString", text(uuidstr))

    def defineXML(self, xml: str | None) -> virDomain:
        """Defines a domain, or replaces the definition of the domain with the same name and UUID. `virDomain.undefine`
        removes the definition. Raises `libvirtError` (``VIR_ERR_XML_ERROR``, ``VIR_ERR_XML_DETAIL``) if the XML is not valid."""
        return look_up(self, "virDomainDefineXML", text(xml))

    def defineXMLFlags(self, xml: str | None, flags: SupportsIndex = 0) -> virDomain:
        """The same with flags. ``VIR_DOMAIN_DEFINE_VALIDATE`` checks the definition against the schema first."""
        return look_up(self, "virDomainDefineXMLFlags", text(xml), bits(flags))

    def createXML(self, xmlDesc: str | None, flags: SupportsIndex = 0) -> virDomain:
        """Starts a domain without defining it, so it disappears when it stops. Flags: ``VIR_DOMAIN_START_…``."""
        return look_up(self, "virDomainCreateXML", text(xmlDesc), bits(flags))

    def createLinux(self, xmlDesc: str | None, flags: SupportsIndex = 0) -> virDomain:
        """The older name of `createXML`."""
        return look_up(self, "virDomainCreateLinux", text(xmlDesc), bits(flags))

    def listAllDomains(self, flags: SupportsIndex = 0) -> list[virDomain]:
        """All domains, or those that the flags ``VIR_CONNECT_LIST_DOMAINS_…`` select."""
        array = c_void_p()
        count: int = library.virConnectListAllDomains(self._o, byref(array), bits(flags))
        if count < 0:
            raise failure("virConnectListAllDomains")
        try:
            return [adopt(self, handle) for handle in Struct(f"{count}P").unpack(string_at(array.value or 0, 8 * count))]
        finally:
            library.free(array)

    def listDomainsID(self) -> list[int]:
        """The ids of the running domains."""
        room = self.numOfDomains()
        ids = create_string_buffer(4 * room)
        count: int = library.virConnectListDomains(self._o, ids, room) if room else 0
        if count < 0:
            raise failure("virConnectListDomains")
        return list(Struct(f"{count}i").unpack_from(ids))

    def numOfDomains(self) -> int:
        """The number of running domains."""
        return self._number("virConnectNumOfDomains")

    def listDefinedDomains(self) -> list[str]:
        """The names of the defined domains that are not running."""
        room = self.numOfDefinedDomains()
        names = create_string_buffer(8 * room)
        count: int = library.virConnectListDefinedDomains(self._o, names, room) if room else 0
        if count < 0:
            raise failure("virConnectListDefinedDomains")
        return [library.take_text(pointer) for pointer in Struct(f"{count}P").unpack_from(names)]

    def numOfDefinedDomains(self) -> int:
        """The number of defined domains that are not running."""
        return self._number("virConnectNumOfDefinedDomains")

    def getAllDomainStats(self, stats: SupportsIndex = 0, flags: SupportsIndex = 0) -> list[tuple[virDomain, dict[str, Any]]]:
        """Statistics of all domains in one call: pairs of a domain and its fields, such as "balloon.rss" in KiB.

        `stats` are bits of ``VIR_DOMAIN_STATS_…``, 0 for all groups; `flags` bits of
        ``VIR_CONNECT_GET_ALL_DOMAINS_STATS_…``. Fields that a domain does not report are absent.
        """
        records = c_void_p()
        count: int = library.virConnectGetAllDomainStats(self._o, bits(stats), byref(records), bits(flags))
        if count < 0:
            raise failure("virConnectGetAllDomainStats")
        return self._take_records(records, count)

    def domainListGetStats(
        self, doms: Iterable[virDomain], stats: SupportsIndex = 0, flags: SupportsIndex = 0
    ) -> list[tuple[virDomain, dict[str, Any]]]:
        """The same for the given domains. Domains that are gone are left out."""
        domains = list(doms)  # They must live as long as their addresses are used.
        array = pack_domains(domains)
        records = c_void_p()
        count: int = library.virDomainListGetStats(array, bits(stats), byref(records), bits(flags))
        if count < 0:
            raise failure("virDomainListGetStats")
        return self._take_records(records, count)

    def memory_samples(self, domains: Iterable[virDomain] | None = None, extended: bool = False) -> list[MemorySample]:
        """Samples the given domains, or all running ones, concurrently. Domains that are gone are left out."""
        from ._memory import take_samples

        chosen = None if domains is None else list(domains)  # They must live as long as their addresses are used.
        if chosen is not None and not chosen:
            return []
        return take_samples(self, None if chosen is None else pack_domains(chosen), extended)

    async def memory_samples_async(
        self, domains: Iterable[virDomain] | None = None, extended: bool = False
    ) -> list[MemorySample]:
        """`memory_samples`, without blocking the event loop."""
        from ._asynchronous import in_thread

        return await in_thread(self.memory_samples, domains, extended)

    def host_memory(self, control_group: str | None = None) -> HostMemory:
        """The host's memory, swap and memory pressure, and the limits of a memory control group.

        `control_group` is its path below the directory where control groups are mounted, such as "machine.slice".
        libvirt's daemon does not report most of this: `HostMemory.reason` is then `Reason.UNSUPPORTED_BY_DAEMON`, and a
        control group raises `libvirtError` (``VIR_ERR_NO_SUPPORT``). ballastd reports all.
        """
        from ._host import take_host_memory

        return take_host_memory(self, control_group)

    async def host_memory_async(self, control_group: str | None = None) -> HostMemory:
        """`host_memory`, without blocking the event loop."""
        from ._asynchronous import in_thread

        return await in_thread(self.host_memory, control_group)

    def process_memory(self, domains: Iterable[virDomain] | None = None) -> list[ProcessMemory]:
        """What the host tells of the processes of the given domains, or of all running ones. Domains that are gone are left
        out. Through libvirt's daemon nothing is known of any: their reason is `Reason.UNSUPPORTED_BY_DAEMON`."""
        from ._host import take_process_memory

        chosen = None if domains is None else list(domains)  # They must live as long as their addresses are used.
        if chosen is not None and not chosen:
            return []
        return take_process_memory(self, None if chosen is None else pack_domains(chosen))

    async def process_memory_async(self, domains: Iterable[virDomain] | None = None) -> list[ProcessMemory]:
        """`process_memory`, without blocking the event loop."""
        from ._asynchronous import in_thread

        return await in_thread(self.process_memory, domains)

    def watch(self, period: float, extended: bool = False, reconnect: float = 60.0) -> Watch:
        """Samples of all domains, including those that start later, at once and then every `period` seconds (at least
        0.001), for ``for`` or ``async for``.

        If the connection to a daemon is lost, the watch tries to reopen it for `reconnect` seconds (0: never,
        ``math.inf``: without limit) and then fails. The first sample after a reconnect has its `gap`, and its domain
        belongs to the new connection.
        """
        from ._watch import Watch

        return Watch(self, None, period, extended, reconnect)

    # Events: they arrive while an event loop runs, see `virEventRegisterDefaultImpl`.

    def domainEventRegisterAny(
        self, dom: virDomain | None, eventID: SupportsIndex, cb: Callable[..., Any], opaque: Any
    ) -> int:
        """Calls ``cb(conn, domain, …, opaque)`` for one kind of event (``VIR_DOMAIN_EVENT_ID_…``) of one domain or of all.
        The arguments in between depend on the event. Returns the number for `domainEventDeregisterAny`. The connection
        stays open until then."""
        from ._callbacks import register_domain_event

        return register_domain_event(self, dom, int32(eventID), cb, opaque)

    def domainEventDeregisterAny(self, callbackID: SupportsIndex) -> None:
        """Undoes `domainEventRegisterAny`."""
        if library.virConnectDomainEventDeregisterAny(self._o, int32(callbackID)) < 0:
            raise failure("virConnectDomainEventDeregisterAny")

    def domainEventRegister(self, cb: Callable[..., Any], opaque: Any) -> None:
        """Calls ``cb(conn, domain, event, detail, opaque)`` when a domain starts, stops, pauses …"""
        from ._callbacks import register_listener

        register_listener(self, cb, opaque)

    def domainEventDeregister(self, cb: Callable[..., Any]) -> None:
        """Undoes `domainEventRegister`."""
        from ._callbacks import deregister_listener

        deregister_listener(self, cb)

    def registerCloseCallback(self, cb: Callable[..., Any], opaque: Any) -> int:
        """Calls ``cb(conn, reason, opaque)`` when the connection is lost; `reason` is one of
        ``VIR_CONNECT_CLOSE_REASON_…``."""
        from ._callbacks import register_close_callback

        return register_close_callback(self, cb, opaque)

    def unregisterCloseCallback(self) -> None:
        """Undoes `registerCloseCallback`."""
        from ._callbacks import unregister_close_callback

        unregister_close_callback(self)

    def virConnGetLastError(self) -> ErrorTuple | None:
        """The connection's last error, as in ``libvirtError.err``."""
        return unpack_error(library.virConnGetLastError(self._o))

    def virConnResetLastError(self) -> None:
        """Clears the connection's last error."""
        library.virConnResetLastError(self._o)

    def _share(self, handle: int) -> virDomain:
        return share(self, handle)

    def _take_records(self, records: c_void_p, count: int) -> list[tuple[virDomain, dict[str, Any]]]:
        try:
            result = []
            for address in Struct(f"{count}P").unpack(string_at(records.value or 0, 8 * count)):
                domain, parameters, length = _RECORD.unpack(string_at(address, _RECORD.size))
                result.append((share(self, domain), unpack_parameters(parameters, length)))
        finally:
            if records.value:
                library.virDomainStatsRecordListFree(records)
        raise_raised()
        return result

    def _number(self, function: str, *arguments: Any) -> int:
        result: int = getattr(library, function)(self._o, *arguments)
        if result < 0:
            raise failure(function)
        raise_raised()
        return result

    def _text(self, function: str, *arguments: Any) -> str:
        pointer = getattr(library, function)(self._o, *arguments)
        if not pointer:
            raise failure(function)
        return library.take_text(pointer)

    def _version(self, function: str) -> int:
        version = c_ulong()
        if getattr(library, function)(self._o, byref(version)) < 0:
            raise failure(function)
        return version.value


add_methods(virConnect)


def adopt_connection(handle: int, name: str | None, again: Callable[[str | None], virConnect]) -> virConnect:
    """Makes a connection from a handle that it then owns, the name that it was opened by, and a function that reopens it."""
    conn: virConnect = object.__new__(virConnect)
    conn._o = handle
    conn._name = name
    conn._again = staticmethod(again)
    return conn
