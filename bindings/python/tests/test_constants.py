"""The constants are libvirt's: all of 9.0 to 12.8."""

from __future__ import annotations

from typing import Any

def test_every_one_is_there_with_its_value(libvirt: Any, ballast: Any) -> None:
    names = [name for name in dir(libvirt) if name.startswith(("LIBVIR_", "VIR_"))]
    assert len(names) > 600
    assert {name: getattr(ballast, name, None) for name in names} == {name: getattr(libvirt, name) for name in names}


def test_those_of_newer_libvirts_are_there(ballast: Any) -> None:
    """Of 12.8, which no system that runs these tests has."""
    expected = {
        "VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE": 29,
        "VIR_DOMAIN_EVENT_STARTED_RECREATED": 5,
        "VIR_DOMAIN_EVENT_STOPPED_RECREATED": 7,
        "VIR_DOMAIN_EVENT_SUSPENDED_GUEST_SHUTDOWN": 9,
        "VIR_ERR_INVALID_ENCR_KEY_SECRET": 114,
        "VIR_NODE_MEMORY_STATS_AVAILABLE": "available",
        "VIR_DOMAIN_STATS_CPU_ENERGY_MONITOR_COUNT": "cpu.energy.monitor.count",
    }
    assert {name: getattr(ballast, name, None) for name in expected} == expected


def test_dir_and_star_give_them_too(ballast: Any) -> None:
    assert {"VIR_DOMAIN_RUNNING", "open", "virEventRunDefaultImpl"} <= set(dir(ballast)) & set(ballast.__all__)
    assert all(hasattr(ballast, name) for name in ballast.__all__)


def test_others_are_not_there(ballast: Any) -> None:
    assert not hasattr(ballast, "VIR_DOMAIN_NONSENSE") and not hasattr(ballast, "nonsense")
