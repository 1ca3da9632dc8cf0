"""One virtual machine."""

from __future__ import annotations

from struct import Struct
from ctypes import Array, addressof, byref, c_char, c_int, c_void_p, create_string_buffer, string_at

from ._arguments import flags as bits
from ._arguments import int32, text
from ._domain_devices import DomainDevices
from ._domain_life import DomainLife
from ._domain_memory import DomainMemory
from ._domain_processors import DomainProcessors
from ._error import failure
from ._library import library
from ._parameters import take_parameters
from ._unserved import add_methods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

    from ._connect import virConnect

# virDomainInfo, virDomainControlInfo, virDomainJobInfo.
_INFO = Struct("B7xLLH6xQ")
_CONTROL_INFO = Struct("IIQ")
_JOB_INFO = Struct("i4x11Q")
_STATE = Struct("ii")
_LABEL_SIZE = 4097


class virDomain(DomainMemory, DomainProcessors, DomainDevices, DomainLife):
    """A domain, from a lookup or list of a connection. It keeps its connection open.

    Sizes are in KiB. `memoryStats` says which numbers come from the guest's last report. Calls raise `libvirtError` on
    failure.
    """

    _conn: virConnect

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


add_methods(virDomain)


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
