"""Memory statistics and balloons of virtual machines: Ballast for Python.

The package has libvirt-python's names, so scripts about hosts, domains, their memory, events and errors only need
``import ballast as libvirt``. Methods for anything else exist too, and raise `libvirtError` (``VIR_ERR_NO_SUPPORT``) with
the name of the C function. In addition, connections are context managers and iterate over their domains,
``domain.memory`` is a typed sample with age, freshness and reasons, ``domain.watch(2)`` works with ``for`` and
``async for``, and ``ballast.sample(conn)`` returns plain dictionaries for data frames.

Heavy modules are imported only when they are used.
"""

from __future__ import annotations

from ._arguments import flags as _bits
from ._arguments import text as _text
from ._connect import adopt_connection as _adopt
from ._connect import virConnect
from ._domain import virDomain
from ._error import (
    failure as _failure,
)
from ._error import (
    libvirtError,
    virGetLastError,
    virGetLastErrorCode,
    virGetLastErrorDomain,
    virGetLastErrorMessage,
    virResetLastError,
)
from ._library import library as _library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, SupportsIndex

    from ._callbacks import registerErrorHandler
    from ._constants import *
    from ._eventloop import (
        virEventAddHandle,
        virEventAddTimeout,
        virEventInvokeFreeCallback,
        virEventRegisterDefaultImpl,
        virEventRegisterImpl,
        virEventRemoveHandle,
        virEventRemoveTimeout,
        virEventRunDefaultImpl,
        virEventUpdateHandle,
        virEventUpdateTimeout,
    )
    from ._host import HostMemory, MemoryGroup, MemoryPressure, ProcessMemory
    from ._memory import Freshness, MemorySample, Reason
    from ._unserved import (
        virDomainCheckpoint,
        virDomainSnapshot,
        virInterface,
        virNWFilter,
        virNWFilterBinding,
        virNetwork,
        virNetworkPort,
        virNodeDevice,
        virSecret,
        virStoragePool,
        virStorageVol,
        virStream,
    )
    from ._watch import Watch

__version__ = "0.1.0"

# Where the names are that take longer to import than most scripts need.
_LATER = {
    "registerErrorHandler": "_callbacks",
    "virEventAddHandle": "_eventloop",
    "virEventAddTimeout": "_eventloop",
    "virEventInvokeFreeCallback": "_eventloop",
    "virEventRegisterDefaultImpl": "_eventloop",
    "virEventRegisterImpl": "_eventloop",
    "virEventRemoveHandle": "_eventloop",
    "virEventRemoveTimeout": "_eventloop",
    "virEventRunDefaultImpl": "_eventloop",
    "virEventUpdateHandle": "_eventloop",
    "virEventUpdateTimeout": "_eventloop",
    "HostMemory": "_host",
    "MemoryGroup": "_host",
    "MemoryPressure": "_host",
    "ProcessMemory": "_host",
    "Freshness": "_memory",
    "MemorySample": "_memory",
    "Reason": "_memory",
    "Watch": "_watch",
    "virDomainCheckpoint": "_unserved",
    "virDomainSnapshot": "_unserved",
    "virInterface": "_unserved",
    "virNWFilter": "_unserved",
    "virNWFilterBinding": "_unserved",
    "virNetwork": "_unserved",
    "virNetworkPort": "_unserved",
    "virNodeDevice": "_unserved",
    "virSecret": "_unserved",
    "virStoragePool": "_unserved",
    "virStorageVol": "_unserved",
    "virStream": "_unserved",
}

_NOW = (
    "getVersion",
    "libvirtError",
    "open",
    "openAuth",
    "openReadOnly",
    "open_async",
    "sample",
    "sample_async",
    "virConnect",
    "virDomain",
    "virGetLastError",
    "virGetLastErrorCode",
    "virGetLastErrorDomain",
    "virGetLastErrorMessage",
    "virInitialize",
    "virResetLastError",
)


def open(name: str | None = None) -> virConnect:
    """Opens a connection.

    `name` is a URI: ``qmp:///`` for this host's QEMUs without a daemon, ``qmp:///PATH`` for one monitor socket,
    ``qemu:///system`` for a libvirt daemon, ``test:///default`` and ``test:///fleet`` for simulated domains. The default
    is ``LIBVIRT_DEFAULT_URI``, else libvirt.conf's ``uri_default``, else a daemon that listens, else ``qmp:///``.
    Raises `libvirtError`.
    """
    handle = _library.virConnectOpen(_text(name))
    if not handle:
        raise _failure("virConnectOpen")
    return _adopt(handle, name, open)


def openReadOnly(name: str | None = None) -> virConnect:
    """Opens a connection that refuses every change."""
    handle = _library.virConnectOpenReadOnly(_text(name))
    if not handle:
        raise _failure("virConnectOpenReadOnly")
    return _adopt(handle, name, openReadOnly)


def openAuth(uri: str | None, auth: list[Any], flags: SupportsIndex = 0) -> virConnect:
    """Opens a connection that may ask for credentials.

    `auth` is [types, callback, data]. `types` are the credential types (``VIR_CRED_…``) that the callback can answer.
    ``callback(credentials, data)`` gets a list of [type, prompt, challenge, default, answer], fills in the answers, and
    returns 0, or -1 to give up.
    """
    from ._callbacks import open_with_credentials

    handle = open_with_credentials(_text(uri), auth, _bits(flags))
    return _adopt(handle, uri, lambda name: openAuth(name, auth, flags))


async def open_async(name: str | None = None, readonly: bool = False) -> virConnect:
    """`open` or `openReadOnly`, without blocking the event loop: ``async with await ballast.open_async(uri) as conn``."""
    from ._asynchronous import in_thread

    return await in_thread(openReadOnly if readonly else open, name)


def sample(
    conn: virConnect, domains: Iterable[virDomain] | None = None, extended: bool = False
) -> list[dict[str, Any]]:
    """Samples all running domains, or the given ones. Returns plain dictionaries with the same keys, for data frames.

    Keys: "domain", "uuid", "id"; all statistics of `virDomain.memoryStats`, None if missing; "used" in KiB and
    its "used_formula"; "freshness", "reason", "age" in seconds, "period" in seconds.
    """
    return [one.as_dict(extended) for one in conn.memory_samples(domains, extended)]


async def sample_async(
    conn: virConnect, domains: Iterable[virDomain] | None = None, extended: bool = False
) -> list[dict[str, Any]]:
    """`sample`, without blocking the event loop."""
    from ._asynchronous import in_thread

    return await in_thread(sample, conn, domains, extended)


def getVersion(name: str | None = None) -> int | tuple[int, int]:
    """The version of the libvirt interface: 1000000 * major + 1000 * minor + release. With the name of a driver,
    returns (this version, the driver's version)."""
    from ctypes import byref, c_ulong

    version, driver = c_ulong(), c_ulong()
    if _library.virGetVersion(byref(version), _text(name), None if name is None else byref(driver)) < 0:
        raise _failure("virGetVersion")
    return version.value if name is None else (version.value, driver.value)


def virInitialize() -> int:
    """Initializes the library. Other calls do this automatically."""
    result: int = _library.virInitialize()
    if result < 0:
        raise _failure("virInitialize")
    return result


if not TYPE_CHECKING:  # A type checker shall not take every name for one that there is.

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        module = _LATER.get(name)
        if module is not None:
            value = getattr(import_module("." + module, __name__), name)
            globals()[name] = value
            return value
        if name == "__all__" or name.startswith(("VIR_", "LIBVIR_")):
            from . import _constants

            constants = {key: value for key, value in vars(_constants).items() if key.startswith(("VIR_", "LIBVIR_"))}
            globals().update(constants)
            if name == "__all__":
                return [*_NOW, *_LATER, *constants]
            if name in constants:
                return constants[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__getattr__("__all__")})
