"""Domains are defined, started, changed and undefined as libvirt-python does it: in process and through the daemons."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict

from machines import Ballastd, Libvirtd
from programs import as_of_9, run_program

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "life.py"), encoding="utf-8") as program:
    LIFE = program.read()

# What Ballast's library and daemon do otherwise, each with the reason; the package passes on what they give.
FLAG = "libvirt's test driver refuses a flag that libvirt itself adds"
CLIENT = {"schedulerParametersFlags, shut off": FLAG, "schedulerParametersFlags, running": FLAG}
PARSER = "another XML parser's words"
TEST_DRIVER = {
    **CLIENT,
    "defineXML '<domain'": PARSER,
    "setMetadata 2 '<x' 'key' 'urn:x'": PARSER,
    "createXML 'x'": PARSER,
    "the host's getCPUModelNames 'x86_64'": "CPU models come from a QEMU",
}
BALLASTD = {
    **TEST_DRIVER,
    "the host's getFreePages [4] 0 1": "libvirtd fails there without an error",
    "the host's getSecurityModel": "ballastd has no security labels",
    "securityLabel, shut off": "ballastd has no security labels",
    "securityLabel, running": "ballastd has no security labels",
}


def live(module: str, uri: str, version: int) -> Dict[str, str]:
    """What each call gives."""
    finished = run_program(LIFE, module, uri)
    assert finished.status == 0, finished.errors
    results: Dict[str, str] = {}
    for label, result in as_of_9(json.loads(finished.output), version):
        while label in results:
            label += "'"
        results[label] = result
    assert len(results) > 200
    return results


def assert_same(expected: Dict[str, str], actual: Dict[str, str], allowed: Dict[str, str]) -> None:
    """Compares the two. What differs by a reason has to differ, as the reason is gone otherwise."""
    labels = {**expected, **actual}
    found = {label: (expected.get(label), actual.get(label)) for label in labels if expected.get(label) != actual.get(label)}
    assert {label: both for label, both in found.items() if label not in allowed} == {}
    assert set(allowed) <= set(found)


def live_on(daemon: Callable[[], Any], module: str, version: int) -> Dict[str, str]:
    """The same on a daemon of its own, whose test host is as it is at first."""
    process = daemon()
    try:
        return live(module, process.uri.replace("qemu+unix:///system", "test+unix:///default"), version)
    finally:
        process.close()


def test_in_process(libvirt: Any) -> None:
    version = libvirt.getVersion()
    assert_same(live("libvirt", "test:///default", version), live("ballast", "test:///default", version), TEST_DRIVER)


def test_through_daemons(libvirt: Any) -> None:
    version = libvirt.getVersion()
    expected = live_on(Libvirtd, "libvirt", version)
    assert_same(expected, live_on(Libvirtd, "ballast", version), CLIENT)
    assert_same(expected, live_on(Ballastd, "ballast", version), BALLASTD)
