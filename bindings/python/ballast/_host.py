"""The host's side of memory: what a decision about balloons needs beside the guests' numbers."""

from __future__ import annotations

from ctypes import addressof, c_void_p, create_string_buffer, string_at
from dataclasses import dataclass
from struct import Struct

from ._arguments import text
from ._error import failure, raise_raised
from ._library import library
from ._memory import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import Array, c_char
    from datetime import timedelta
    from typing import Any

    from ._connect import virConnect
    from ._domain import virDomain

# ballastHostMemory: size, reason, total, free, available, swap, free swap, merged, twice a pressure (three shares and a
# time), and of a group: whether there is one, its limits, what it holds and what of that cannot be dropped.
_HOST = Struct("Ii6q3dq3dqi4x4q")
_SIZE = Struct("I")

# ballastProcessMemory: size, reason, domain, swapped, locked, pinned, huge pages, merged, run time, whether free pages are
# reported and the balloon deflated, the group's path, and of the group the same as above.
_PROCESS = Struct("IiP6qiiPi4x4q")


@dataclass(frozen=True)
class MemoryPressure:
    """Memory pressure (PSI): the share of time in which tasks of the host waited for memory."""

    last_10_seconds: float
    """The mean share of about the last 10 seconds, 0 to 1."""

    last_60_seconds: float
    """The mean share of about the last 60 seconds, 0 to 1."""

    last_300_seconds: float
    """The mean share of about the last 300 seconds, 0 to 1."""

    total_ms: int
    """The total of that time since the host booted, in ms."""


@dataclass(frozen=True)
class MemoryGroup:
    """A memory control group of the host. A limit is the lowest of the group's own and those of its parent groups, each less
    the memory of other groups and processes under that limit. Sizes are in KiB."""

    max: int | None
    """The hard limit: the kernel kills a process that would exceed it. None: there is none."""

    high: int | None
    """The limit above which the kernel slows the group down and reclaims its memory. None: there is none."""

    current: int | None
    """The group's memory, including file caches; None: unknown."""

    unreclaimable: int | None
    """The part that the kernel cannot drop: memory of programs, shared memory and the kernel's own; None: unknown."""

    @property
    def limit(self) -> int | None:
        """The lower of both limits, in KiB; None: there is none."""
        return min((limit for limit in (self.max, self.high) if limit is not None), default=None)


@dataclass(frozen=True)
class HostMemory:
    """The host's memory, as its kernel reports it. Sizes are in KiB; an unknown number is None, never 0."""

    reason: Reason
    """`Reason.UNSUPPORTED_BY_DAEMON` if the daemon is libvirt's, which reports only `total`, `free` and enough to estimate
    `available`. Else `Reason.FRESH`."""

    total: int | None
    """All memory, in KiB."""

    free: int | None
    """Unused memory, without caches (MemFree), in KiB."""

    available: int | None
    """Memory that programs can get without swapping (MemAvailable), in KiB."""

    swap_total: int | None
    """All swap, in KiB; 0: the host has none."""

    swap_free: int | None
    """Free swap, in KiB."""

    merged: int | None
    """Memory saved by merging equal pages (KSM), in KiB; 0 if the kernel does not merge; None if unknown."""

    some_pressure: MemoryPressure | None
    """How long at least one task waited for memory; None: the kernel does not account for it."""

    full_pressure: MemoryPressure | None
    """How long all tasks waited for memory at once; None: the kernel does not account for it."""

    group: MemoryGroup | None
    """The requested control group; None: none was requested, or there is none with that path."""


@dataclass(frozen=True)
class ProcessMemory:
    """A domain's process as the host's kernel sees it, besides its resident memory (`MemorySample.rss`). It shows whether the
    balloon gives the host memory back. Sizes are in KiB; an unknown number is None, never 0."""

    domain: virDomain
    """The domain."""

    reason: Reason
    """Why numbers are missing: `Reason.UNSUPPORTED_BY_DAEMON` (libvirt's daemon does not report them),
    `Reason.PROCESS_NOT_FOUND` (its process is not visible) or `Reason.PERMISSION_DENIED` (its files cannot be read). Else
    `Reason.FRESH`."""

    swapped: int | None
    """Memory that the host has swapped out, in KiB; it is not resident."""

    locked: int | None
    """Locked memory, in KiB: no balloon gives it back."""

    pinned: int | None
    """Memory pinned for passed-through devices, in KiB: no balloon gives it back."""

    huge_pages: int | None
    """Memory in huge pages of hugetlbfs, in KiB: it is not resident, and no balloon gives it back."""

    merged: int | None
    """Memory merged with equal pages of other processes (KSM), in KiB; known from Linux 6.1 on."""

    run_time_ms: int | None
    """The time since the process started, in ms."""

    reports_free_pages: bool | None
    """Whether the guest reports free pages, so that resident memory falls without the balloon."""

    deflates_on_oom: bool | None
    """Whether the guest deflates its balloon before it kills a program (deflate-on-oom)."""

    group_path: str | None
    """Its memory control group, for `virConnect.host_memory`."""

    group: MemoryGroup | None
    """That group; None: unknown."""

    @property
    def run_time(self) -> timedelta | None:
        """The time since the process started; None: unknown."""
        if self.run_time_ms is None:
            return None
        from datetime import timedelta

        return timedelta(milliseconds=self.run_time_ms)


def _known(number: Any) -> Any:
    return None if number < 0 else number


def _flag(number: int) -> bool | None:
    return None if number < 0 else number != 0


def _pressure(last10: float, last60: float, last300: float, total: int) -> MemoryPressure | None:
    return None if total < 0 else MemoryPressure(last10, last60, last300, total)


def _group(has: int, numbers: tuple[int, ...]) -> MemoryGroup | None:
    return MemoryGroup(*(_known(number) for number in numbers)) if has else None


def read_host_memory(raw: bytes) -> HostMemory:
    """Decodes a ballastHostMemory."""
    fields = _HOST.unpack(raw)
    total, free, available, swap_total, swap_free, merged = map(_known, fields[2:8])
    return HostMemory(
        reason=Reason._of(fields[1]),
        total=total,
        free=free,
        available=available,
        swap_total=swap_total,
        swap_free=swap_free,
        merged=merged,
        some_pressure=_pressure(*fields[8:12]),
        full_pressure=_pressure(*fields[12:16]),
        group=_group(fields[16], fields[17:21]),
    )


def take_host_memory(conn: virConnect, control_group: str | None) -> HostMemory:
    """The host's memory now."""
    buffer = create_string_buffer(_HOST.size)
    _SIZE.pack_into(buffer, 0, _HOST.size)
    if library.ballastConnectGetHostMemory(conn._o, text(control_group), addressof(buffer), 0) < 0:
        raise failure("ballastConnectGetHostMemory")
    raise_raised()
    return read_host_memory(buffer.raw)


def _read_process(conn: virConnect, address: int) -> ProcessMemory:
    fields = _PROCESS.unpack(string_at(address, _PROCESS.size))
    swapped, locked, pinned, huge_pages, merged, run_time_ms = map(_known, fields[3:9])
    path = fields[11]
    return ProcessMemory(
        domain=conn._share(fields[2]),
        reason=Reason._of(fields[1]),
        swapped=swapped,
        locked=locked,
        pinned=pinned,
        huge_pages=huge_pages,
        merged=merged,
        run_time_ms=run_time_ms,
        reports_free_pages=_flag(fields[9]),
        deflates_on_oom=_flag(fields[10]),
        group_path=string_at(path).decode(errors="replace") if path else None,
        group=_group(fields[12], fields[13:17]),
    )


def take_process_memory(conn: virConnect, domains: Array[c_char] | None) -> list[ProcessMemory]:
    """The processes of the given domains, or of all running ones."""
    records = c_void_p()
    count: int = library.ballastConnectGetProcessMemory(conn._o, domains, addressof(records), 0)
    if count < 0:
        raise failure("ballastConnectGetProcessMemory")
    try:
        addresses = Struct(f"{count}P").unpack(string_at(records.value or 0, 8 * count))
        processes = [_read_process(conn, address) for address in addresses]
    finally:
        if records.value:
            library.ballastProcessMemoryListFree(records)
    raise_raised()
    return processes
