"""libvirt-python on our C library, and ours on it: what differs is the package's own."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List

import pytest
from programs import run_program

DIRECTORY = os.path.dirname(os.path.abspath(__file__))


def results(program: str, module: str, environment: Dict[str, str], *arguments: str) -> Dict[str, List[str]]:
    """What a program tells: by label, in its order."""
    with open(os.path.join(DIRECTORY, program), encoding="utf-8") as source:
        finished = run_program(source.read(), module, *arguments, environment=environment)
    assert finished.status == 0, finished.errors
    told: Dict[str, List[str]] = {}
    for label, result in json.loads(finished.output):
        told.setdefault(label, []).append(result)
    assert len(told) > 200
    return told


@pytest.mark.parametrize("program", [["life.py", "test:///default"], ["conversions.py"]], ids=["life", "conversions"])
def test_gives_what_libvirt_python_gives(ballast: Any, program: List[str]) -> None:
    from ballast._library import library

    stand_in = os.path.join(os.path.dirname(os.path.abspath(library.path)), "abi")
    assert os.path.exists(os.path.join(stand_in, "libvirt.so.0")), f"{stand_in} is made by ./build"
    name, *arguments = program
    expected = results(name, "libvirt", {"LD_LIBRARY_PATH": stand_in}, *arguments)
    actual = results(name, "ballast", {}, *arguments)
    labels = {**expected, **actual}
    assert {label: (expected.get(label), actual.get(label)) for label in labels if expected.get(label) != actual.get(label)} == {}
