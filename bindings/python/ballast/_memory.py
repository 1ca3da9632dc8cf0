"""Memory samples: statistics with age, freshness and reasons."""

from __future__ import annotations

from functools import cache
from itertools import count, takewhile
from struct import Struct
from ctypes import addressof, byref, c_char, c_int, c_void_p, string_at

from ._arguments import text
from ._error import failure, raise_raised
from ._library import library
from ._statistics import MOST_STATISTICS, statistic_name, unpack_statistics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import Array
    from datetime import datetime, timedelta
    from typing import Any, Callable, ClassVar

    from ._connect import virConnect
    from ._domain import virDomain

# The tags of libvirt's statistics, in its order; their names are the library's.
STATISTICS = (6, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 7)
_FIRST_EXTENDED = 0x4200000A

_EXTENDED_FLAG = 1

# ballastMemorySample: size, reason, freshness, inconsistencies, period, formula, used, last update, age, missing, the length
# of the detail, the detail or its beginning, and the cause of a pause.
_SAMPLE = Struct("IiiIiiQQq64sI252si4x")
_SIZE = Struct("I")
_NONE_MISSING = b"\xff" * 64

# ballastMemoryRecord: size, number of statistics, domain, statistics, sample.
_RECORD = Struct("IiPPP")

_STATISTICS_BYTES = 16 * MOST_STATISTICS

# By their numbers in C.
_PAUSE_CAUSES = (
    None, "waiting", "migrating", "migrated", "restoring", "debugging", "internal error", "replicating"
)  # fmt: skip

# By the library's function, and a number: its words.
_words: dict[tuple[str, int], str] = {}


@cache
def extended_statistics() -> tuple[int, ...]:
    """The tags beyond libvirt's: those that the library has names for. Asked when needed, because a program may fork before its first call."""
    return tuple(takewhile(lambda tag: library.ballastMemoryStatLabel(tag) is not None, count(_FIRST_EXTENDED)))


def _word(function: str, number: int, unknown: str) -> str:
    word = _words.get((function, number))
    if word is None:
        label: bytes | None = getattr(library, function)(number)
        word = _words[function, number] = unknown if label is None else label.decode()
    return word


class _Number(int):
    """A named number of libballast's. There is one object per number, even after a copy, so ``is`` compares them. A subclass
    declares its names in the order of their numbers."""

    name: str
    _known: ClassVar[dict[int, Any]]

    def __init_subclass__(cls) -> None:
        cls._known = {}
        for number, name in enumerate(cls.__annotations__):
            member = cls(number)
            member.name = name
            setattr(cls, name, member)

    def __new__(cls, number: Any) -> Any:
        made = int.__new__(cls, number)
        made.name = f"UNKNOWN_{int(made)}"  # Unless it is known: a later library has more of them.
        return cls._known.setdefault(int(made), made)

    @classmethod
    def _of(cls, number: int) -> Any:
        """The member with this number, faster than a call of the class."""
        member = cls._known.get(number)
        return cls(number) if member is None else member

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (int(self),)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, _memo: object) -> Any:
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


class Reason(_Number):
    """The condition of a sample, or the reason for a missing statistic. Prints as text; compares as libballast's
    number."""

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
    PROCESS_NOT_FOUND: ClassVar[Reason]

    def remedy(self, domain: virDomain | str) -> str:
        """What an operator can do about it, with this domain's name in the commands; empty for `FRESH`."""
        name = domain if isinstance(domain, str) else domain.name()
        pointer = library.ballastMemoryReasonRemedy(self, text(name))
        return library.take_text(pointer) if pointer else ""

    def __str__(self) -> str:
        return _word("ballastMemoryReasonLabel", self, f"reason {int(self)}")


class Freshness(_Number):
    """The age of the guest's numbers compared with its period. Prints as text; larger is fresher."""

    NEVER_REPORTED: ClassVar[Freshness]
    STALE: ClassVar[Freshness]
    FRESH: ClassVar[Freshness]

    def __str__(self) -> str:
        return _word("ballastFreshnessLabel", self, f"freshness {int(self)}")


def _statistic(tag: int) -> Any:
    return property(
        lambda sample: sample.statistics.get(statistic_name(tag)), doc="The statistic with this name; None if unknown."
    )


class MemorySample:
    """A domain's memory at one moment. An unknown statistic is None; `missing` has the reason.

    Sizes are in KiB. `virDomain.memoryStats` explains the statistics.
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
        "pause_cause",
        "gap",
    )

    domain: virDomain
    """The domain."""

    statistics: dict[str, int]
    """The result of `virDomain.memoryStats`: only known values, ``last_update`` in Unix seconds, unnamed ones by number."""

    reason: Reason
    """The most important fact about this sample; `Reason.FRESH` if there is no problem."""

    freshness: Freshness
    """The age of the guest's numbers compared with their period."""

    period: int | None
    """The collection period in seconds; 0: collection is off, None: unknown."""

    used: int | None
    """The memory that the guest uses, in KiB."""

    used_formula: str | None
    """The formula for `used`, the best that the report allows."""

    age_ms: int | None
    """The age of the guest's last report in ms; None if there is none or it is unknown."""

    missing: dict[str, Reason]
    """The reason for each requested statistic that is missing."""

    inconsistencies: tuple[str, ...]
    """Contradictions between the numbers."""

    detail: str
    """The hypervisor's message, for humans; may be empty, and ends with an ellipsis if it was too long."""

    pause_cause: str | None
    """What keeps a paused domain from running, in more detail than `virDomain.state`: "waiting" (to be resumed),
    "migrating", "migrated" (it must not be resumed), "restoring", "debugging", "internal error" (it runs again only after a
    reset) or "replicating"."""

    gap: float | None
    """In the first sample after a watch reopened a lost connection: the seconds since the previous sample."""

    def __init__(self, domain: virDomain, circumstances: bytes | bytearray, statistics: dict[str, int]) -> None:
        _, reason, freshness, bits, period, formula, used, _, age, missing, length, detail, pause = (
            _SAMPLE.unpack(circumstances)
        )
        self.domain = domain
        self.statistics = statistics
        self.reason = Reason._of(reason)
        self.freshness = Freshness._of(freshness)
        self.period = None if period < 0 else period
        self.used_formula = None if formula < 0 else _word("ballastUsedFormulaLabel", formula, f"formula {formula}")
        self.used = None if formula < 0 else used
        self.age_ms = None if age < 0 else age
        self.missing = {} if missing == _NONE_MISSING else _read_missing(bytes(circumstances))
        self.inconsistencies = tuple(
            _word("ballastMemoryInconsistencyLabel", 1 << bit, f"inconsistency {1 << bit}") for bit in range(32) if bits >> bit & 1
        ) if bits else ()  # fmt: skip
        text = detail.partition(b"\0")[0]
        self.detail = text.decode(errors="replace") + ("…" if length > len(text) else "")
        self.pause_cause = _PAUSE_CAUSES[pause] if 0 <= pause < len(_PAUSE_CAUSES) else f"cause {pause}"
        self.gap = None

    actual: int | None = _statistic(6)
    swap_in: int | None = _statistic(0)
    swap_out: int | None = _statistic(1)
    major_fault: int | None = _statistic(2)
    minor_fault: int | None = _statistic(3)
    unused: int | None = _statistic(4)
    available: int | None = _statistic(5)
    usable: int | None = _statistic(8)
    disk_caches: int | None = _statistic(10)
    hugetlb_pgalloc: int | None = _statistic(11)
    hugetlb_pgfail: int | None = _statistic(12)
    rss: int | None = _statistic(7)
    oom_kills: int | None = _statistic(0x4200000A)
    alloc_stalls: int | None = _statistic(0x4200000B)
    async_scans: int | None = _statistic(0x4200000C)
    direct_scans: int | None = _statistic(0x4200000D)
    async_reclaims: int | None = _statistic(0x4200000E)
    direct_reclaims: int | None = _statistic(0x4200000F)

    @property
    def last_update(self) -> datetime | None:
        """The time of the guest's last report in UTC, to the second; None for never."""
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
        """The age of the guest's last report; None if there is none or it is unknown."""
        if self.age_ms is None:
            return None
        from datetime import timedelta

        return timedelta(milliseconds=self.age_ms)

    @property
    def remedy(self) -> str:
        """What an operator can do about the reason; empty for `Reason.FRESH`."""
        return self.reason.remedy(self.domain)

    def as_dict(self, extended: bool = False) -> dict[str, Any]:
        """The sample in plain types, with the same keys for every sample; `ballast.sample` lists them."""
        domain, statistics = self.domain, self.statistics
        record: dict[str, Any] = {"domain": domain.name(), "uuid": domain.UUIDString(), "id": domain.ID()}
        for tag in STATISTICS + (extended_statistics() if extended else ()):
            name = statistic_name(tag)
            record[name] = statistics.get(name)
        record["used"] = self.used
        record["used_formula"] = self.used_formula
        record["freshness"] = str(self.freshness)
        record["reason"] = str(self.reason)
        record["age"] = None if self.age_ms is None else self.age_ms / 1000
        record["period"] = self.period
        return record

    def __repr__(self) -> str:
        known = "" if self.used is None else f", used {self.used} KiB"
        age = "" if self.age_ms is None else f", {self.age_ms / 1000:.1f} s old"
        return f"<ballast.MemorySample of {self.domain!r}: {self.reason!r}{known}{age}>"


def _read_missing(sample: bytes) -> dict[str, Reason]:
    missing = {}
    reason = c_int()
    for tag in STATISTICS + extended_statistics():
        if library.ballastMemorySampleGetMissing(sample, tag, byref(reason)) > 0:
            missing[statistic_name(tag)] = Reason._of(reason.value)
    return missing


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
    """Decodes a ballastMemoryRecord, without freeing it. Uses `domain` if the record belongs to it."""
    _, count, handle, statistics, sample = _RECORD.unpack(string_at(address, _RECORD.size))
    count = min(count, MOST_STATISTICS)
    # An older library's sample ends sooner.
    (size,) = _SIZE.unpack(string_at(sample, _SIZE.size))
    circumstances = string_at(sample, min(size, _SAMPLE.size)).ljust(_SAMPLE.size, b"\0")
    values = unpack_statistics(string_at(statistics or 0, 16 * count), count)
    if domain is None or library.virDomainGetID(handle) != domain.ID():
        domain = conn._share(handle)
    return MemorySample(domain, circumstances, values)


def take_samples(conn: virConnect, domains: Array[c_char] | None, extended: bool) -> list[MemorySample]:
    """Samples of the given domains, or of all running ones."""
    records = c_void_p()
    count: int = library.ballastConnectGetMemorySamples(
        conn._o, domains, addressof(records), _EXTENDED_FLAG if extended else 0
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
