"""The Python examples of the documentation run as they stand."""

from __future__ import annotations

import glob
import os
import re
from typing import List

import pytest
from machines import CHECKOUT
from programs import run_program


def _examples() -> List[str]:
    pages = [
        os.path.join(CHECKOUT, "bindings", "python", "README.md"),
        os.path.join(CHECKOUT, "README.md"),
        *sorted(glob.glob(os.path.join(CHECKOUT, "docs", "*.md"))),
    ]
    found = []
    for page in pages:
        with open(page, encoding="utf-8") as text:
            found += re.findall(r"```python\n(.*?)```", text.read(), re.DOTALL)
    return found


@pytest.mark.parametrize("number", range(len(_examples())))
def test_runs(number: int) -> None:
    finished = run_program(_examples()[number])
    assert finished.status == 0, finished.errors
    assert finished.output
    assert not re.search("Traceback|Exception ignored", finished.errors), finished.errors


def test_there_are_some() -> None:
    assert len(_examples()) >= 5
