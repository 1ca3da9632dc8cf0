"""The domains of a connection."""

from __future__ import annotations

from struct import Struct
from ctypes import byref, c_void_p, create_string_buffer, string_at

from ._arguments import flags as bits
from ._arguments import int32, text
from ._calls import ConnectCalls
from ._domain import adopt, look_up, pack_domains, share
from ._error import failure, libvirtError, raise_raised
from ._library import library
from ._parameters import unpack_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, SupportsIndex

    from ._domain import virDomain
    from ._host import ProcessMemory
    from ._memory import MemorySample
    from ._watch import Watch

# virDomainStatsRecord.
_RECORD = Struct("PPi4x")


class ConnectDomains(ConnectCalls):
    """Finds, lists and defines domains, and samples many at once."""

    def lookupByName(self, name: str | None) -> virDomain:
        """The domain with this name. Raises `libvirtError` (``VIR_ERR_NO_DOMAIN``) if there is none."""
        return look_up(self._itself, "virDomainLookupByName", text(name))

    def lookupByID(self, id: SupportsIndex) -> virDomain:
        """The running domain with this id."""
        return look_up(self._itself, "virDomainLookupByID", int32(id))

    def lookupByUUID(self, uuid: bytes | str | None) -> virDomain:
        """The domain with this UUID, as 16 bytes."""
        # A number must not become as many zeros, as bytes() would make of it.
        raw = b"" if uuid is None else uuid.encode() if isinstance(uuid, str) else bytes(memoryview(uuid))
        if len(raw) != 16:
            raise libvirtError("virDomainLookupByUUID() failed", use_last_error=False)
        return look_up(self._itself, "virDomainLookupByUUID", raw)

    def lookupByUUIDString(self, uuidstr: str | None) -> virDomain:
        """The domain with this UUID, as text."""
        return look_up(self._itself, "virDomainLookupByUUIDString", text(uuidstr))

    def defineXML(self, xml: str | None) -> virDomain:
        """Defines a domain, or replaces the definition of the domain with the same name and UUID. `virDomain.undefine`
        removes the definition. Raises `libvirtError` (``VIR_ERR_XML_ERROR``, ``VIR_ERR_XML_DETAIL``) if the XML is not valid."""
        return look_up(self._itself, "virDomainDefineXML", text(xml))

    def defineXMLFlags(self, xml: str | None, flags: SupportsIndex = 0) -> virDomain:
        """The same with flags. ``VIR_DOMAIN_DEFINE_VALIDATE`` checks the definition against the schema first."""
        return look_up(self._itself, "virDomainDefineXMLFlags", text(xml), bits(flags))

    def createXML(self, xmlDesc: str | None, flags: SupportsIndex = 0) -> virDomain:
        """Starts a domain without defining it, so it disappears when it stops. Flags: ``VIR_DOMAIN_START_…``."""
        return look_up(self._itself, "virDomainCreateXML", text(xmlDesc), bits(flags))

    def createLinux(self, xmlDesc: str | None, flags: SupportsIndex = 0) -> virDomain:
        """The older name of `createXML`."""
        return look_up(self._itself, "virDomainCreateLinux", text(xmlDesc), bits(flags))

    def listAllDomains(self, flags: SupportsIndex = 0) -> list[virDomain]:
        """All domains, or those that the flags ``VIR_CONNECT_LIST_DOMAINS_…`` select."""
        conn = self._itself
        array = c_void_p()
        count: int = library.virConnectListAllDomains(self._o, byref(array), bits(flags))
        if count < 0:
            raise failure("virConnectListAllDomains")
        try:
            return [adopt(conn, handle) for handle in Struct(f"{count}P").unpack(string_at(array.value or 0, 8 * count))]
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
        return take_samples(self._itself, None if chosen is None else pack_domains(chosen), extended)

    async def memory_samples_async(
        self, domains: Iterable[virDomain] | None = None, extended: bool = False
    ) -> list[MemorySample]:
        """`memory_samples`, without blocking the event loop."""
        from ._asynchronous import in_thread

        return await in_thread(self.memory_samples, domains, extended)

    def process_memory(self, domains: Iterable[virDomain] | None = None) -> list[ProcessMemory]:
        """What the host reports about the processes of the given domains, or of all running ones. Domains that are gone are left
        out. libvirt's daemon reports none of this: the reason is then `Reason.UNSUPPORTED_BY_DAEMON`."""
        from ._host import take_process_memory

        chosen = None if domains is None else list(domains)  # They must live as long as their addresses are used.
        if chosen is not None and not chosen:
            return []
        return take_process_memory(self._itself, None if chosen is None else pack_domains(chosen))

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

        return Watch(self._itself, None, period, extended, reconnect)

    def _take_records(self, records: c_void_p, count: int) -> list[tuple[virDomain, dict[str, Any]]]:
        conn = self._itself
        try:
            result = []
            for address in Struct(f"{count}P").unpack(string_at(records.value or 0, 8 * count)):
                domain, parameters, length = _RECORD.unpack(string_at(address, _RECORD.size))
                result.append((share(conn, domain), unpack_parameters(parameters, length)))
        finally:
            if records.value:
                library.virDomainStatsRecordListFree(records)
        raise_raised()
        return result
