"""Runs Python programs, as what they do to their process must not be done to the tests'."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import NamedTuple


class Finished(NamedTuple):
    """How a program ended, and what it wrote."""

    status: int
    output: str
    errors: str


def run_program(source: str, *arguments: str, seconds: float = 120) -> Finished:
    """Runs a program to its end."""
    process = start_program(source, *arguments)
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"the program did not end within {seconds} s: {output}{errors}") from None
    return Finished(process.returncode, output, errors)


def start_program(source: str, *arguments: str) -> "subprocess.Popen[str]":
    """Starts a program; what it prints can be read line by line."""
    command = [sys.executable, "-c", textwrap.dedent(source), *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True
    )
