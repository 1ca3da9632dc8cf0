"""Runs Python programs, as what they do to their process must not be done to the tests'."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from typing import Any, Dict, NamedTuple, Optional


class Finished(NamedTuple):
    """How a program ended, and what it wrote."""

    status: int
    output: str
    errors: str


def as_of_9(told: Any, version: int) -> Any:
    """What a newer libvirt tells, as 9.0 and Ballast tell it: another version, and formats whose arguments have no numbers."""
    if isinstance(told, dict):
        return {name: as_of_9(value, version) for name, value in told.items()}
    if isinstance(told, (list, tuple)):
        return type(told)(as_of_9(value, version) for value in told)
    if isinstance(told, str):
        return re.sub(r"%[1-9]\$", "%", told).replace(str(version), "9000000")
    return 9000000 if type(told) is int and told == version else told


def run_program(
    source: str, *arguments: str, seconds: float = 120, environment: Optional[Dict[str, str]] = None
) -> Finished:
    """Runs a program to its end, with further environment variables."""
    process = start_program(source, *arguments, environment=environment)
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"the program did not end within {seconds} s: {output}{errors}") from None
    return Finished(process.returncode, output, errors)


def start_program(source: str, *arguments: str, environment: Optional[Dict[str, str]] = None) -> "subprocess.Popen[str]":
    """Starts a program; what it prints can be read line by line."""
    command = [sys.executable, "-c", textwrap.dedent(source), *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
