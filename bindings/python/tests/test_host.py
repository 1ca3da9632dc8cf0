"""The host's side of memory: of the host's kernel, of QEMU's processes, and of control groups."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from datetime import timedelta
from struct import Struct
from typing import Any, Dict, Set

import pytest
from conftest import Subject
from machines import GUEST_NAME, Ballastd, Libvirtd, Qemu


def _meminfo() -> Dict[str, int]:
    with open("/proc/meminfo", encoding="utf-8") as file:
        return {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in file)}


def test_the_hosts_memory_is_what_its_kernel_tells(ballast: Any, qemu: Qemu, ballastd: Ballastd) -> None:
    for uri in (qemu.uri, ballastd.uri, ballastd.read_only_uri):
        before = _meminfo()
        with ballast.openReadOnly(uri) as conn:
            host = conn.host_memory()
        kernel = _meminfo()
        assert host.reason is ballast.Reason.FRESH and host.group is None
        # A host may be given memory meanwhile.
        assert host.total in (before["MemTotal"], kernel["MemTotal"]) and host.swap_total == kernel["SwapTotal"]
        assert 0 < host.available <= host.total and 0 < host.free <= host.total
        assert 0 <= host.swap_free <= host.swap_total and (host.merged is None or host.merged >= 0)
        assert (host.some_pressure is not None) == os.path.exists("/proc/pressure/memory")
        for pressure in filter(None, (host.some_pressure, host.full_pressure)):
            shares = (pressure.last_10_seconds, pressure.last_60_seconds, pressure.last_300_seconds)
            assert all(0 <= share <= 1 for share in shares) and pressure.total_ms >= 0


def test_a_qemus_process_and_its_control_group_are_told(ballast: Any, qemu: Qemu, ballastd: Ballastd) -> None:
    for uri in (qemu.uri, ballastd.uri):
        with ballast.open(uri) as conn:
            assert len(conn.memory_samples()) == 1  # From the first one on it is known what the balloon does.
            (process,) = conn.process_memory()
            assert process.reason is ballast.Reason.FRESH and process.domain.name() == GUEST_NAME
            assert process.domain.connect() is conn
            assert process.swapped >= 0 and (process.locked, process.pinned, process.huge_pages) == (0, 0, 0)
            assert (process.reports_free_pages, process.deflates_on_oom) == (False, False)
            assert process.run_time_ms > 0 and process.run_time == timedelta(milliseconds=process.run_time_ms)
            (again,) = conn.process_memory([process.domain])
            assert again.domain.name() == GUEST_NAME and again.run_time_ms >= process.run_time_ms
            assert conn.process_memory([]) == []
            if process.group is not None:
                group = conn.host_memory(process.group_path).group
                assert group is not None and group.current > 0 and group.limit == group.limit
            assert conn.host_memory("no/such/group").group is None


def test_libvirts_daemon_tells_little_and_that_is_said(ballast: Any, libvirtd: Libvirtd) -> None:
    with ballast.open(libvirtd.uri) as conn:
        host = conn.host_memory()
        assert host.reason is ballast.Reason.UNSUPPORTED_BY_DAEMON and host.total > 0
        assert 0 < host.free <= host.available <= host.total
        assert (host.swap_total, host.swap_free, host.merged, host.some_pressure, host.full_pressure) == (None,) * 5
        with pytest.raises(ballast.libvirtError, match="ballastd") as refused:
            conn.host_memory("machine.slice")
        assert refused.value.get_error_code() == ballast.VIR_ERR_NO_SUPPORT
        (process,) = conn.process_memory()
        assert process.reason is ballast.Reason.UNSUPPORTED_BY_DAEMON and process.domain.name() == GUEST_NAME
        others = {field.name: getattr(process, field.name) for field in dataclasses.fields(process)[2:]}
        assert set(others.values()) == {None} and process.run_time is None


def test_both_have_async_forms(ballast: Any, ours: Subject) -> None:
    async def calls() -> Any:
        async with await ballast.open_async(ours.uri) as conn:
            host, processes = await asyncio.gather(conn.host_memory_async(), conn.process_memory_async())
            return host.total > 0, [process.domain.name() for process in processes]

    assert asyncio.run(calls()) == (True, [GUEST_NAME])


def test_simulated_guests_have_a_host_too(ballast: Any) -> None:
    with ballast.open("test:///fleet?domains=5&seed=1") as conn:
        host = conn.host_memory()
        assert host.total > host.available > 0 and host.some_pressure == ballast.MemoryPressure(0.0, 0.0, 0.0, 0)
        assert conn.host_memory("x").group is None
        names: Set[str] = {process.domain.name() for process in conn.process_memory()}
        assert names == {domain.name() for domain in conn}
        for wrong in (3, b"x"):
            with pytest.raises(TypeError):
                conn.host_memory(wrong)
        with pytest.raises(ValueError):
            conn.host_memory("a\0b")
    with pytest.raises(ballast.libvirtError):
        conn.host_memory()
    with pytest.raises(ballast.libvirtError):
        conn.process_memory()


def test_what_is_not_known_is_none_and_what_a_later_library_says_is_kept(ballast: Any) -> None:
    from ballast._host import _HOST, read_host_memory

    unknown = (-1.0, -1.0, -1.0, -1)
    nothing = read_host_memory(_HOST.pack(_HOST.size, 99, *(-1,) * 6, *unknown, *unknown, 0, *(-1,) * 4))
    assert str(nothing.reason) == "reason 99"
    assert {getattr(nothing, field.name) for field in dataclasses.fields(nothing)[1:]} == {None}
    some = read_host_memory(_HOST.pack(_HOST.size, 0, 6, 5, 4, 0, 0, 0, 0.5, 0.25, 0.125, 7, *unknown, 1, -1, 20, 10, -1))
    assert (some.total, some.free, some.available, some.swap_total, some.swap_free, some.merged) == (6, 5, 4, 0, 0, 0)
    assert some.some_pressure == ballast.MemoryPressure(0.5, 0.25, 0.125, 7) and some.full_pressure is None
    assert some.group == ballast.MemoryGroup(None, 20, 10, None) and some.group.limit == 20
    assert ballast.MemoryGroup(15, 20, None, None).limit == 15 and ballast.MemoryGroup(None, None, 1, 1).limit is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        some.total = 1


def test_the_structures_are_those_of_the_library(ballast: Any) -> None:
    from ballast import _host

    # The numbers that tests/native/own.c and the compiler hold the header to.
    assert (Struct("Ii6q3dq3dqi4x4q").size, _host._HOST.size, _host._PROCESS.size) == (160, 160, 120)
