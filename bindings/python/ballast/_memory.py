"""Memory samples: statistics with their circumstances."""

from __future__ import annotations

from struct import Struct
from ctypes import addressof, c_char, c_void_p, string_at

from ._arguments import text
from ._connect import pack_domains
from ._domain import MOST_STATISTICS, share, statistic_name, unpack_statistics, virDomain
from ._error import failure, raise_raised
from ._library import library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import Any, Callable, ClassVar, Iterable

    from ._connect import virConnect

STATISTICS = (
    "actual",
    "swap_in",
    "swap_out",
    "major_fault",
    "minor_fault",
    "unused",
    "available",
    "usable",
    "last_update",
    "disk_caches",
    "hugetlb_pgalloc",
    "hugetlb_pgfail",
    "rss",
)
EXTENDED_STATISTICS = ("oom_kills", "alloc_stalls", "async_scans", "direct_scans", "async_reclaims", "direct_reclaims")

_EXTENDED_FLAG = 1

# ballastMemorySample: size, reason, freshness, inconsistencies, period, formula, used, last update, age, missing, detail.
_SAMPLE = Struct("IiiIiiQQq16s256s")
_SIZE = Struct("I")

# ballastMemoryRecord: domain, statistics and their number, and a sample.
_RECORD = Struct("PPi4x")

_STATISTICS_BYTES = 16 * MOST_STATISTICS

_USED_FORMULAS = {
    0: "available - usable",
    1: "available - unused - disk_caches",
    2: "available - unused",
    3: "available - usable - balloon",
    4: "available - unused - disk_caches - balloon",
    5: "available - unused - balloon",
}

_INCONSISTENCIES = {
    1: "available above the maximum",
    2: "usable above available",
    4: "unused above available",
    8: "a counter went backwards",
    16: "disk_caches above available",
    32: "last_update in the future",
}


class Reason(int):
    """The one thing to know about a sample, or about a statistic that is missing. Prints as words; compares as libballast's
    number."""

    name: str

    FRESH: ClassVar[Reason]
    STALE: ClassVar[Reason]
    PAUSED: ClassVar[Reason]
    NEVER_REPORTED: ClassVar[Reason]
    DRIVER_NOT_LOADED: ClassVar[Reason]
    DRIVER_WITHOUT_SERVICE: ClassVar[Reason]
    POLLING_OFF: ClassVar[Reason]
    NO_BALLOON_DEVICE: ClassVar[Reason]
    MONITOR_BUSY: ClassVar[Reason]
    MONITOR_HUNG: ClassVar[Reason]
    PERMISSION_DENIED: ClassVar[Reason]
    CONNECTION_LOST: ClassVar[Reason]
    REJECTED_VALUE: ClassVar[Reason]
    UNSUPPORTED_BY_DAEMON: ClassVar[Reason]
    NO_MONITOR: ClassVar[Reason]
    SOCKET_NOT_FOUND: ClassVar[Reason]
    INCONSISTENT: ClassVar[Reason]
    NOT_TRUSTED: ClassVar[Reason]

    def remedy(self, domain: virDomain | str) -> str:
        """What an operator can do about it, one sentence with this domain's name in its commands; empty for `FRESH`."""
        name = domain if isinstance(domain, str) else domain.name()
        pointer = library.ballastMemoryReasonRemedy(self, text(name))
        return library.take_text(pointer) if pointer else ""

    def __str__(self) -> str:
        label: bytes | None = library.ballastMemoryReasonLabel(self)
        return f"reason {int(self)}" if label is None else label.decode()

    def __repr__(self) -> str:
        return f"Reason.{self.name}"


class Freshness(int):
    """How old the guest's numbers are, compared with its period. Prints as words; the larger the fresher."""

    name: str

    NEVER_REPORTED: ClassVar[Freshness]
    STALE: ClassVar[Freshness]
    FRESH: ClassVar[Freshness]

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")

    def __repr__(self) -> str:
        return f"Freshness.{self.name}"


def _members(kind: Any, names: str) -> dict[int, Any]:
    members = {}
    for number, name in enumerate(names.split()):
        member = members[number] = kind(number)
        member.name = name
        setattr(kind, name, member)
    return members


_REASONS = _members(
    Reason,
    "FRESH STALE PAUSED NEVER_REPORTED DRIVER_NOT_LOADED DRIVER_WITHOUT_SERVICE POLLING_OFF NO_BALLOON_DEVICE "
    "MONITOR_BUSY MONITOR_HUNG PERMISSION_DENIED CONNECTION_LOST REJECTED_VALUE UNSUPPORTED_BY_DAEMON "
    "NO_MONITOR SOCKET_NOT_FOUND INCONSISTENT NOT_TRUSTED",
)
_FRESHNESSES = _members(Freshness, "NEVER_REPORTED STALE FRESH")


def _member(members: dict[int, Any], kind: Any, number: int) -> Any:
    """The member of this number; a new one for a number of a later library."""
    member = members.get(number)
    if member is None:
        member = kind(number)
        member.name = f"UNKNOWN_{number}"
        members[number] = member
    return member


class MemorySample:
    """A domain's memory at one moment. A statistic that is not known is None: `missing` tells why.

    Sizes are KiB; what each statistic is tells `virDomain.memoryStats`.
    """

    __slots__ = (
        "domain",
        "statistics",
        "reason",
        "freshness",
        "period",
        "used",
        "used_formula",
        "age_ms",
        "missing",
        "inconsistencies",
        "detail",
    )

    domain: virDomain
    """Whose memory it is."""

    statistics: dict[str, int]
    """What `virDomain.memoryStats` gives: only what there is, ``last_update`` in Unix seconds, unknown ones by number."""

    reason: Reason
    """The one thing to know about this sample; `Reason.FRESH` where all is well."""

    freshness: Freshness
    """How old the guest's numbers are compared with their period."""

    period: int | None
    """How often the guest is to report, in seconds; 0 for not at all, None where that is not known."""

    used: int | None
    """KiB that the guest uses."""

    used_formula: str | None
    """How `used` was computed, the best that the report allows."""

    age_ms: int | None
    """How long ago the guest reported, in ms; None for never, or where that is not known."""

    missing: dict[str, Reason]
    """The reason for each of libvirt's statistics that is missing."""

    inconsistencies: tuple[str, ...]
    """Numbers that cannot be true together."""

    detail: str
    """What the hypervisor said, for people; may be empty."""

    def __init__(self, domain: virDomain, circumstances: bytes | bytearray, statistics: dict[str, int]) -> None:
        _, reason, freshness, bits, period, formula, used, _, age, missing, detail = _SAMPLE.unpack(circumstances)
        self.domain = domain
        self.statistics = statistics
        self.reason = _member(_REASONS, Reason, reason)
        self.freshness = _member(_FRESHNESSES, Freshness, freshness)
        self.period = None if period < 0 else period
        self.used_formula = _USED_FORMULAS.get(formula)
        self.used = None if formula < 0 else used
        self.age_ms = None if age < 0 else age
        self.missing = {
            statistic_name(tag): _member(_REASONS, Reason, number) for tag, number in enumerate(missing) if number < 0x80
        }
        self.inconsistencies = tuple(words for bit, words in _INCONSISTENCIES.items() if bits & bit) if bits else ()
        self.detail = detail.partition(b"\0")[0].decode(errors="replace")

    if TYPE_CHECKING:
        actual: int | None
        swap_in: int | None
        swap_out: int | None
        major_fault: int | None
        minor_fault: int | None
        unused: int | None
        available: int | None
        usable: int | None
        disk_caches: int | None
        hugetlb_pgalloc: int | None
        hugetlb_pgfail: int | None
        rss: int | None
        oom_kills: int | None
        alloc_stalls: int | None
        async_scans: int | None
        direct_scans: int | None
        async_reclaims: int | None
        direct_reclaims: int | None

    @property
    def last_update(self) -> datetime | None:
        """When the guest last reported, in UTC, to the second; None for never."""
        seconds = self.statistics.get("last_update")
        if not seconds:
            return None
        from datetime import datetime, timezone

        try:
            return datetime.fromtimestamp(seconds, timezone.utc)
        except (OverflowError, ValueError, OSError):
            return None  # Later than any date.

    @property
    def age(self) -> timedelta | None:
        """How long ago the guest reported; None for never, or where that is not known."""
        if self.age_ms is None:
            return None
        from datetime import timedelta

        return timedelta(milliseconds=self.age_ms)

    @property
    def remedy(self) -> str:
        """What an operator can do about the reason; empty for `Reason.FRESH`."""
        return self.reason.remedy(self.domain)

    def as_dict(self, extended: bool = False) -> dict[str, Any]:
        """All in plain types, with the same keys for each sample: `ballast.sample` tells them."""
        domain, statistics = self.domain, self.statistics
        record: dict[str, Any] = {"domain": domain.name(), "uuid": domain.UUIDString(), "id": domain.ID()}
        for name in STATISTICS:
            record[name] = statistics.get(name)
        if extended:
            for name in EXTENDED_STATISTICS:
                record[name] = statistics.get(name)
        record["used"] = self.used
        record["used_formula"] = self.used_formula
        record["freshness"] = str(self.freshness)
        record["reason"] = str(self.reason)
        record["age"] = None if self.age_ms is None else self.age_ms / 1000
        record["period"] = self.period
        return record

    def __repr__(self) -> str:
        return f"<MemorySample: {self.reason}, used {self.used} KiB, {self.statistics}>"


def _statistic(name: str) -> property:
    return property(lambda sample: sample.statistics.get(name), doc=f"The statistic {name}; None where it is not known.")


for _name in STATISTICS + EXTENDED_STATISTICS:
    if _name != "last_update":
        setattr(MemorySample, _name, _statistic(_name))
del _name

_buffers: list[tuple[bytearray, int, Any]] = []


def _new_buffer() -> tuple[bytearray, int, Any]:
    buffer = bytearray(_STATISTICS_BYTES + _SAMPLE.size)
    view = (c_char * len(buffer)).from_buffer(buffer)
    _SIZE.pack_into(buffer, _STATISTICS_BYTES, _SAMPLE.size)
    return buffer, addressof(view), view


def take_sample(function: Callable[..., int], name: str, domain: virDomain, extended: bool) -> MemorySample:
    """A sample from one of the library's functions."""
    try:
        entry = _buffers.pop()
    except IndexError:
        entry = _new_buffer()
    buffer, address, _ = entry
    flags = _EXTENDED_FLAG if extended else 0
    count = function(domain._o, address + _STATISTICS_BYTES, address, MOST_STATISTICS, flags)
    if count < 0:
        _buffers.append(entry)
        raise failure(name)
    sample = MemorySample(domain, buffer[_STATISTICS_BYTES:], unpack_statistics(buffer, count))
    _buffers.append(entry)
    raise_raised()
    return sample


def read_record(conn: virConnect, address: int, domain: virDomain | None = None) -> MemorySample:
    """What is in a ballastMemoryRecord; the record is still to be freed."""
    handle, statistics, count = _RECORD.unpack(string_at(address, _RECORD.size))
    count = min(count, MOST_STATISTICS)
    circumstances = string_at(address + _RECORD.size, _SAMPLE.size)
    values = unpack_statistics(string_at(statistics or 0, 16 * count), count)
    return MemorySample(share(conn, handle) if domain is None else domain, circumstances, values)


def take_samples(conn: virConnect, domains: Iterable[virDomain] | None, extended: bool) -> list[MemorySample]:
    """Samples of these domains, or of all that run."""
    chosen = None if domains is None else list(domains)  # They must live as long as their addresses are used.
    array = None
    if chosen is not None:
        if not chosen:
            return []
        array = pack_domains(chosen)
    records = c_void_p()
    count: int = library.ballastConnectGetMemorySamples(
        conn._o, array, addressof(records), _EXTENDED_FLAG if extended else 0
    )
    if count < 0:
        raise failure("ballastConnectGetMemorySamples")
    try:
        addresses = Struct(f"{count}P").unpack(string_at(records.value or 0, 8 * count))
        samples = [read_record(conn, address) for address in addresses]
    finally:
        if records.value:
            library.ballastMemoryRecordListFree(records)
    raise_raised()
    return samples
