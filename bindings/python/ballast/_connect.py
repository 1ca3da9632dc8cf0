"""A connection to a hypervisor or a daemon."""

from __future__ import annotations

from ctypes import byref, c_ulong

from ._arguments import flags as bits
from ._arguments import int32, text
from ._connect_domains import ConnectDomains
from ._connect_host import ConnectHost
from ._domain import share
from ._error import failure, unpack_error
from ._library import library
from ._unserved import add_methods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, SupportsIndex

    from ._domain import virDomain
    from ._error import ErrorTuple


class virConnect(ConnectHost, ConnectDomains):
    """A connection, from `open`, `openReadOnly` or `openAuth`. Iteration yields its domains. At the end of a ``with``
    block it is closed for all objects that came from it: calls on its domains raise `libvirtError`
    (``VIR_ERR_INVALID_CONN``), its watches end, and it no longer holds any monitor.

    Calls raise `libvirtError` on failure.
    """

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
