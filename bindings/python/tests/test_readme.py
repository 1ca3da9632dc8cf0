"""The README's examples run as they stand."""

from __future__ import annotations

import os
import re
from typing import List

import pytest
from machines import CHECKOUT
from programs import run_program


def _examples() -> List[str]:
    with open(os.path.join(CHECKOUT, "bindings", "python", "README.md"), encoding="utf-8") as readme:
        return re.findall(r"```python\n(.*?)```", readme.read(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(_examples())))
def test_runs(number: int) -> None:
    finished = run_program(_examples()[number])
    assert finished.status == 0, finished.errors
    assert finished.output
    assert not re.search("Traceback|Exception ignored", finished.errors), finished.errors


def test_there_are_some() -> None:
    assert len(_examples()) >= 4
