"""What stands beside libvirt's interface: samples, refresh, watching, asyncio, data frames."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator, List

import pytest
from conftest import Subject
from machines import GUEST_KIB, GUEST_NAME, Ballastd, Libvirtd, Qemu, wait_until

STATISTICS = [
    "actual", "swap_in", "swap_out", "major_fault", "minor_fault", "unused", "available", "usable", "last_update",
    "disk_caches", "hugetlb_pgalloc", "hugetlb_pgfail", "rss",
]  # fmt: skip


@pytest.fixture
def own_conn(ours: Subject) -> Iterator[Any]:
    """A connection of ours, to each of the three."""
    with ours.module.open(ours.uri) as connection:
        yield connection


@pytest.fixture
def own_dom(own_conn: Any) -> Any:
    """The Linux guest, reporting every second."""
    domain = own_conn.lookupByName(GUEST_NAME)
    domain.setMemoryStatsPeriod(1)
    # Over libvirt's protocol a report is known to be new when its time was seen to change.
    wait_until(lambda: domain.memory.freshness == 2, "a fresh report")
    return domain


def test_a_sample_says_what_the_numbers_do_not(ballast: Any, own_dom: Any) -> None:
    sample = own_dom.memory
    assert sample.reason is ballast.Reason.FRESH and str(sample.reason) == "fresh" and sample.remedy == ""
    assert sample.freshness is ballast.Freshness.FRESH
    assert list(sample.statistics) == STATISTICS
    for name in STATISTICS:
        if name != "last_update":
            assert getattr(sample, name) == sample.statistics[name]
    assert sample.used == sample.available - sample.usable > 0 and sample.used_formula == "available - usable"
    assert sample.last_update == datetime.fromtimestamp(sample.statistics["last_update"], timezone.utc)
    assert timedelta(0) <= sample.age < timedelta(seconds=5) and sample.age_ms == sample.age / timedelta(milliseconds=1)
    assert sample.period in (1, None)
    assert (sample.missing, sample.inconsistencies, sample.oom_kills) == ({}, (), None)
    assert sample.domain is own_dom
    assert own_dom.memory_sample(extended=True).actual == GUEST_KIB


def test_a_paused_guest_is_told_from_a_stuck_one(ballast: Any, own_dom: Any) -> None:
    own_dom.suspend()
    try:
        sample = own_dom.memory
    finally:
        own_dom.resume()
    assert sample.reason is ballast.Reason.PAUSED and str(sample.reason) == "paused" and sample.remedy.endswith(".")


def test_why_a_guest_is_paused_is_told_where_libvirts_protocol_is_not_all_there_is(ballast: Any, qemu: Qemu, ballastd: Ballastd) -> None:
    for uri in (qemu.uri, ballastd.uri):
        with ballast.open(uri) as conn:
            (dom,) = conn.listAllDomains()
            dom.suspend()
            try:
                assert dom.memory.pause_cause == "waiting"
            finally:
                dom.resume()
            assert dom.memory.pause_cause is None


def test_a_refresh_does_not_wait_for_the_period(ballast: Any, qemu: Qemu, ballastd: Ballastd) -> None:
    for uri in (qemu.uri, ballastd.uri):
        with ballast.open(uri) as conn:
            domain = conn.lookupByName(GUEST_NAME)
            domain.setMemoryStatsPeriod(3600)
            time.sleep(1.1)
            before = domain.memory
            started = time.monotonic()
            sample = domain.refresh_memory()
            assert time.monotonic() - started < 5
            assert sample.reason is ballast.Reason.FRESH and sample.last_update > before.last_update
            assert domain.memory_stats_period() == 3600
            domain.setMemoryStatsPeriod(1)
        with ballast.openReadOnly(uri if uri == qemu.uri else ballastd.read_only_uri) as conn:
            with pytest.raises(ballast.libvirtError) as refused:
                conn.lookupByName(GUEST_NAME).refresh_memory()
            assert refused.value.get_error_code() == ballast.VIR_ERR_OPERATION_DENIED


def test_plain_records_of_all_domains(ballast: Any, own_conn: Any, own_dom: Any) -> None:
    (row,) = ballast.sample(own_conn)
    assert list(row) == ["domain", "uuid", "id", *STATISTICS, "used", "used_formula", "freshness", "reason", "age", "period"]
    assert (row["domain"], row["uuid"], row["id"]) == (own_dom.name(), own_dom.UUIDString(), own_dom.ID())
    assert row["used"] == row["available"] - row["usable"] and row["reason"] == "fresh" and 0 <= row["age"] < 5
    assert [type(value) for value in row.values()].count(int) >= len(STATISTICS) + 2
    (again,) = ballast.sample(own_conn, [own_dom], extended=True)
    assert set(again) - set(row) == {
        "oom_kills", "alloc_stalls", "async_scans", "direct_scans", "async_reclaims", "direct_reclaims"
    }  # fmt: skip
    assert ballast.sample(own_conn, []) == []
    (sample,) = own_conn.memory_samples()
    assert sample.domain.connect() is own_conn and sample.domain.name() == GUEST_NAME


def test_iterating_gives_the_domains(own_conn: Any) -> None:
    assert [domain.name() for domain in own_conn] == [GUEST_NAME]


def test_watching_gives_samples_again_and_again(own_conn: Any, own_dom: Any) -> None:
    started = time.monotonic()
    with own_dom.watch(0.25) as watch:
        samples = [next(watch) for _ in range(4)]
        assert 0.7 < time.monotonic() - started < 10
        assert watch.next(0) is None
    assert all(sample.domain is own_dom and sample.used > 0 for sample in samples)
    assert list(watch) == []
    with pytest.raises(ValueError, match="closed"):
        watch.next(0)
    with own_conn.watch(0.1) as everybody:
        assert {next(everybody).domain.name() for _ in range(3)} == {GUEST_NAME}
    for period in (0, -1, 0.0001, 1e9):
        with pytest.raises(ValueError):
            own_dom.watch(period)


def test_a_watch_says_how_old_a_sample_is_when_it_is_read(ballast: Any, own_conn: Any, own_dom: Any) -> None:
    for watched in (own_conn, own_dom):
        with watched.watch(3600) as watch:
            time.sleep(4.5)
            late = next(watch)
        assert late.age >= timedelta(seconds=4.4) and late.freshness is ballast.Freshness.STALE

        # Of those that were not read, the newest.
        with watched.watch(0.25) as watch:
            first = next(watch)
            time.sleep(3.5)
            late = next(watch)
        assert late.last_update - first.last_update >= timedelta(seconds=2)
        assert late.age < timedelta(seconds=3) and late.freshness is ballast.Freshness.FRESH


def test_watching_does_not_block_the_event_loop(own_dom: Any) -> None:
    async def watch() -> "tuple[List[Any], int]":
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.ensure_future(tick())
        samples = []
        async with own_dom.watch(0.5) as watching:
            async for sample in watching:
                samples.append(sample)
                if len(samples) == 3:
                    break
        ticking.cancel()
        return samples, ticks

    samples, ticks = asyncio.run(watch())
    assert [sample.domain for sample in samples] == [own_dom] * 3
    assert ticks > 15


def test_calls_that_wait_have_async_forms(ballast: Any, ours: Subject) -> None:
    async def calls() -> Any:
        async with await ballast.open_async(ours.uri) as conn:
            domain = conn.lookupByName(GUEST_NAME)
            one = await domain.memory_sample_async()
            many = await conn.memory_samples_async()
            rows = await ballast.sample_async(conn, [domain])
        assert conn.c_pointer() == 0
        return [one.domain.name(), many[0].domain.name(), rows[0]["domain"]]

    assert asyncio.run(calls()) == [GUEST_NAME] * 3


def test_a_cancelled_watch_ends_with_its_task(own_dom: Any) -> None:
    async def wait() -> None:
        watch = own_dom.watch(60)
        await watch.__anext__()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(watch.__anext__(), 0.2)
        waiting = asyncio.ensure_future(watch.__anext__())
        await asyncio.sleep(0.05)
        watch.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    asyncio.run(wait())


def test_statistics_without_a_name_keep_their_number(ballast: Any) -> None:
    from struct import pack

    from ballast._statistics import unpack_statistics

    entries = [(6, 100), (4711, 7), (0x4200000A, 3), (2147483647, 1 << 63)]
    raw = b"".join(pack("iQ", tag, value) for tag, value in entries)
    expected = {"actual": 100, "4711": 7, "oom_kills": 3, "2147483647": 1 << 63}
    assert unpack_statistics(raw, 4) == expected and list(expected) == list(unpack_statistics(raw, 4))


def test_names_are_the_librarys(ballast: Any) -> None:
    from struct import pack

    from ballast._library import library
    from ballast._memory import _SAMPLE, STATISTICS, extended_statistics
    from ballast._statistics import statistic_name

    for tag in STATISTICS + extended_statistics():
        assert library.ballastMemoryStatLabel(tag).decode() == statistic_name(tag)
        if tag != ballast.VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE:
            empty = _SAMPLE.pack(_SAMPLE.size, 0, 0, 0, 0, -1, 0, 0, 0, b"\xff" * 64, 0, b"", 0)
            assert getattr(ballast.MemorySample(None, empty, {statistic_name(tag): 7}), statistic_name(tag)) == 7
    assert sorted(STATISTICS) == list(range(13)) and library.ballastMemoryStatLabel(13) is None
    assert len(extended_statistics()) >= 6 and library.ballastMemoryStatLabel(max(extended_statistics()) + 1) is None
    for kind, label in ((ballast.Reason, library.ballastMemoryReasonLabel), (ballast.Freshness, library.ballastFreshnessLabel)):
        members = [getattr(kind, name) for name in kind.__annotations__]
        for number, member in enumerate(members):
            assert member is kind(number) and str(member) == label(number).decode()
        assert label(len(members)) is None

    # Of a later library: numbers that nobody has words for.
    missing = bytearray(b"\xff" * 64)
    missing[0], missing[32 + 10] = 6, 99
    later = _SAMPLE.pack(_SAMPLE.size, 98, 97, 3 | 1 << 31, -1, 96, 5, 0, -1, bytes(missing), 3, "\u20ac".encode(), 95)
    sample = ballast.MemorySample(None, later, {})
    assert (str(sample.reason), str(sample.freshness), sample.used_formula) == ("reason 98", "freshness 97", "formula 96")
    assert sample.inconsistencies == ("available above maximum", "usable above available", "inconsistency 2147483648")
    assert {name: int(reason) for name, reason in sample.missing.items()} == {"swap_in": 6, "oom_kills": 99}
    assert sample.detail == "\u20ac" and sample.pause_cause == "cause 95"
    cut = _SAMPLE.pack(_SAMPLE.size, 0, 0, 0, 0, 0, 5, 0, 0, b"\xff" * 64, 300, b"x" * 251, 0)
    assert ballast.MemorySample(None, cut, {}).detail == "x" * 251 + "\u2026"


def test_every_object_says_what_it_is(ballast: Any, own_conn: Any, own_dom: Any) -> None:
    assert repr(own_conn).startswith("<ballast.virConnect '") and own_conn.getURI() in repr(own_conn)
    assert repr(own_dom) == f"<ballast.virDomain 'guest' id {own_dom.ID()}>"
    sample = own_dom.memory
    assert repr(sample).startswith(f"<ballast.MemorySample of {own_dom!r}: Reason.FRESH, used {sample.used} KiB, ")
    assert (repr(sample.reason), repr(sample.freshness)) == ("Reason.FRESH", "Freshness.FRESH")
    with own_dom.watch(2) as watch:
        assert repr(watch) == f"<ballast.Watch of {own_dom!r} every 2 s>"
    assert repr(watch).endswith(", closed>")
    with ballast.open("test:///default") as other:
        domain = other.lookupByName("test")
    assert repr(other) == "<ballast.virConnect 'test:///default', closed>" and repr(domain) == "<ballast.virDomain 'test' id 1>"
    for kind in (ballast.virDomain, ballast.virConnect):
        assert repr(object.__new__(kind)).startswith("<ballast.vir")
    assert "boom" in repr(ballast.libvirtError("boom", use_last_error=False))


def test_a_guest_without_driver_has_reasons(ballast: Any, libvirtd: Libvirtd) -> None:
    machine = Qemu(name="bare", uuid="11111111-2222-4333-8444-555555555555")
    try:
        with ballast.open(machine.uri) as conn:
            sample = conn.lookupByName("bare").memory
            assert sample.available is None and sample.used is None and sample.used_formula is None
            assert sample.last_update is None and sample.age is None
            assert sample.reason is not ballast.Reason.FRESH and sample.remedy
            assert sample.freshness is ballast.Freshness.NEVER_REPORTED
            assert "available" in sample.missing and "actual" not in sample.missing
            assert ballast.sample(conn)[0]["available"] is None
    finally:
        machine.close()
